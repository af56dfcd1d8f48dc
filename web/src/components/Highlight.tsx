import { Fragment, useMemo } from 'react';
import type { Schemas } from '../api/client';

/** Text with the server's hits marked. */
export function Fragments({ of }: { of: Schemas['Fragment'][] }) {
  return of.map((piece, i) => (piece.hit ? <mark key={i}>{piece.text}</mark> : <Fragment key={i}>{piece.text}</Fragment>));
}

const MARKS_MAX = 2000;

/** Text with the given words marked wherever a word begins with one of them. */
export function Marked({ text, words }: { text: string; words: string[] }) {
  const pieces = useMemo(() => {
    if (words.length === 0) return [text];
    const pattern = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
    return text.split(new RegExp(`((?<![\\p{L}\\p{N}])(?:${pattern})[\\p{L}\\p{N}]*)`, 'giu'), MARKS_MAX);
  }, [text, words]);
  const rest = pieces.length === MARKS_MAX ? text.slice(pieces.reduce((sum, piece) => sum + piece.length, 0)) : '';
  return (
    <>
      {pieces.map((piece, i) => (i % 2 ? <mark key={i}>{piece}</mark> : <Fragment key={i}>{piece}</Fragment>))}
      {rest}
    </>
  );
}

/** So much of what leads to the first match stays: on one line the match itself must be seen. */
const LEAD_CHARS = 24;

/** The snippet from shortly before its first match on; without one, as it is. */
export function fromMatch(snippet: Schemas['Fragment'][]): Schemas['Fragment'][] {
  const first = snippet.findIndex((fragment) => fragment.hit);
  if (first <= 0) return snippet;
  const lead = snippet.slice(0, first).map((fragment) => fragment.text).join('');
  if (lead.length <= LEAD_CHARS + 2) return snippet;
  const tail = lead.slice(-LEAD_CHARS);
  const word = tail.indexOf(' ');
  return [{ text: `… ${word < 0 ? tail : tail.slice(word + 1)}`, hit: false }, ...snippet.slice(first)];
}
