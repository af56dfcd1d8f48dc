//! Marks in a text what a query found in it.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::analyzer::{Kind, Token, analyze, stems};
use crate::ask::{
    Ask, Placed, are_near, ask_phrase, ask_word, in_window, near_side, occurrences, run_length,
};
use crate::query::{Expr, Field, Node, Query};

/// Length of a snippet, about, in characters.
pub const SNIPPET_CHARS: usize = 200;

/// Characters shown before the first hit at most: a narrow list shows the hit all the same.
const LEAD_CHARS: usize = 25;

/// Bytes of a text that are looked through for a snippet; matches beyond are found, not shown.
const SEARCHED_BYTES_MAX: usize = 1 << 20;

/// Bytes of a text that are read at first, and then, before all of it is: most texts answer early.
const READ_BYTES: [usize; 4] = [1 << 10, 4 << 10, 16 << 10, 64 << 10];

/// A stretch of text, and whether it is a hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub text: String,
    pub hit: bool,
}

/// Marks words in texts by the same analysis that found the mails.
#[derive(Clone, Debug)]
pub struct Highlighter {
    asks: Vec<(Field, Ask)>,
}

/// What `query` looks for; words under NOT are left out.
pub fn highlighter(query: &Query) -> Highlighter {
    let mut asks = Vec::new();
    collect(&query.root, &mut asks);
    Highlighter { asks }
}

fn collect(expr: &Expr, asks: &mut Vec<(Field, Ask)>) {
    match &expr.node {
        Node::And(parts) | Node::Or(parts) => parts.iter().for_each(|part| collect(part, asks)),
        Node::Near { left, right, distance } => {
            let side = |expr: &Expr| match &expr.node {
                Node::Phrase(phrase) => Some((phrase.field, near_side(&phrase.text))),
                Node::Word(word) => Some((word.field, near_side(&word.text))),
                _ => None,
            };
            if let (Some((field, left)), Some((_, right))) = (side(left), side(right)) {
                asks.push((field, Ask::Near(left, right, *distance)));
            }
        }
        Node::Phrase(phrase) => asks.push((phrase.field, ask_phrase(phrase))),
        Node::Word(word) => asks.push((word.field, ask_word(word))),
        _ => {}
    }
}

impl Highlighter {
    /// Whether there is nothing to mark.
    pub fn is_empty(&self) -> bool {
        self.asks.is_empty()
    }

    /// The whole text in pieces, with everything that was asked for in any field marked.
    pub fn mark(&self, text: &str) -> Vec<Piece> {
        pieces(text, 0..text.len(), &self.hits(text, None))
    }

    /// The same with what was asked for in this field or everywhere: `from:anna` marks nothing in
    /// a subject.
    pub fn mark_in(&self, field: Field, text: &str) -> Vec<Piece> {
        pieces(text, 0..text.len(), &self.hits(text, Some(field)))
    }

    /// About [`SNIPPET_CHARS`] characters of a body around the place with most different hits;
    /// white space is drawn together, `…` stands where something was left out. Looks through the
    /// first MiB. Without a hit, the beginning.
    pub fn snippet(&self, text: &str) -> Vec<Piece> {
        let mut end = text.len().min(SEARCHED_BYTES_MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = &text[..end];
        let (hits, window) = self.best_part(text);
        let mut pieces = pieces(text, window.clone(), &hits);
        squeeze(&mut pieces);
        if window.start > 0 {
            pieces.insert(0, Piece { text: "… ".into(), hit: false });
        }
        if text[window.end..].chars().any(|c| !c.is_whitespace()) {
            pieces.push(Piece { text: " …".into(), hit: false });
        }
        pieces
    }

    /// The hits and the window that is shown of them. Reads on only as long as something that was
    /// asked for is missing.
    fn best_part(&self, text: &str) -> (Vec<(Range<usize>, usize)>, Range<usize>) {
        let wanted = self.wanted(Some(Field::Body)).len();
        for mut end in READ_BYTES.into_iter().filter(|end| *end < text.len()) {
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            let hits = self.hits(&text[..end], Some(Field::Body));
            let (answered, window) = best_window(text, &hits);
            // Short of the end, where a word may be cut.
            if answered == wanted && window.end + SNIPPET_CHARS < end {
                return (hits, window);
            }
        }
        let hits = self.hits(text, Some(Field::Body));
        let (_, window) = best_window(text, &hits);
        (hits, window)
    }

    fn wanted(&self, field: Option<Field>) -> Vec<(usize, &Ask)> {
        let fits = |of: Field| {
            field.is_none_or(|field| {
                let with = of == Field::With && field.is_people();
                of == field || of == Field::Any || with
            })
        };
        let asks = self.asks.iter().enumerate();
        asks.filter(|(_, (of, _))| fits(*of)).map(|(i, (_, ask))| (i, ask)).collect()
    }

    /// Byte ranges of hits with the ask that each answers, ascending, none inside another.
    fn hits(&self, text: &str, field: Option<Field>) -> Vec<(Range<usize>, usize)> {
        let wanted = self.wanted(field);
        if wanted.is_empty() {
            return Vec::new();
        }
        let (words, mut hits) = TextWords::of(text, &wanted);
        for (i, ask) in wanted {
            hits.extend(words.hits(ask).into_iter().map(|range| (range, i)));
        }
        hits.sort_unstable_by_key(|(range, ask)| (range.start, std::cmp::Reverse(range.end), *ask));
        hits.dedup_by(|later, kept| later.0.end <= kept.0.end);
        for i in 1..hits.len() {
            let before = hits[i - 1].0.end;
            hits[i].0.start = hits[i].0.start.max(before);
        }
        hits
    }
}

/// Whether the token alone answers the ask.
fn answers(ask: &Ask, token: &Token<'_>) -> bool {
    match ask {
        Ask::Near(..) | Ask::Sequence(_) | Ask::SequencePrefix(_) | Ask::Window(..) => false,
        Ask::Prefix(prefix) => token.text.starts_with(prefix.as_str()),
        Ask::Stem(asked, word) => {
            // No stemmer changes how a word begins.
            let begins = |stem: &str| stem.as_bytes().first() == token.text.as_bytes().first();
            token.text == word
                || !is_extra(token.kind)
                    && asked.iter().any(begins)
                    && stems(token.folded, token.text, |stems| stems.meets(asked))
        }
        Ask::Term(wanted) => token.text == wanted,
    }
}

fn is_extra(kind: Kind) -> bool {
    matches!(kind, Kind::Address | Kind::Domain)
}

/// The words of one text that layouts speak of.
#[derive(Default)]
struct TextWords {
    /// Byte ranges by position.
    ranges: HashMap<u32, Range<usize>>,
    /// Positions of terms.
    positions: HashMap<String, Vec<u32>>,
}

impl TextWords {
    /// With the hits of the asks that one word answers.
    fn of(text: &str, wanted: &[(usize, &Ask)]) -> (Self, Vec<(Range<usize>, usize)>) {
        let mut terms: HashSet<&str> = HashSet::new();
        let mut beginnings: Vec<&str> = Vec::new();
        for (_, ask) in wanted {
            match ask {
                Ask::Near(left, right, _) => {
                    terms.extend(left.iter().chain(right).map(|(_, term)| term.as_str()));
                }
                Ask::Prefix(_) | Ask::Stem(..) | Ask::Term(_) => {}
                Ask::Sequence(run) => terms.extend(run.iter().map(|(_, term)| term.as_str())),
                Ask::SequencePrefix(run) => {
                    terms.extend(run.iter().map(|(_, term)| term.as_str()));
                    beginnings.extend(run.last().map(|(_, term)| term.as_str()));
                }
                Ask::Window(words, _) => terms.extend(words.iter().map(String::as_str)),
            }
        }
        let mut words = Self::default();
        let mut hits = Vec::new();
        analyze(text, &mut |token| {
            for (i, ask) in wanted {
                if answers(ask, &token) {
                    hits.push((token.start..token.end, *i));
                }
            }
            let needed = !is_extra(token.kind)
                && (terms.contains(token.text)
                    || beginnings.iter().any(|beginning| token.text.starts_with(beginning)));
            if needed {
                words.ranges.insert(token.position, token.start..token.end);
                words.positions.entry(token.text.to_owned()).or_default().push(token.position);
            }
        });
        (words, hits)
    }

    fn hits(&self, ask: &Ask) -> Vec<Range<usize>> {
        match ask {
            Ask::Near(left, right, distance) => {
                let (of_left, of_right) = (self.starts(left, false), self.starts(right, false));
                let (a, b) = (run_length(left), run_length(right));
                let near = |one: &u32, length, others: &[u32], other_length| {
                    are_near((&[*one], length), (others, other_length), *distance)
                };
                let lefts = of_left.iter().filter(|start| near(start, a, &of_right, b));
                let rights = of_right.iter().filter(|start| near(start, b, &of_left, a));
                let mut hits: Vec<_> = lefts.flat_map(|start| self.run(*start, a)).collect();
                hits.extend(rights.flat_map(|start| self.run(*start, b)));
                hits
            }
            Ask::Prefix(_) | Ask::Stem(..) | Ask::Term(_) => Vec::new(),
            Ask::Sequence(run) | Ask::SequencePrefix(run) => {
                let prefix = matches!(ask, Ask::SequencePrefix(_));
                let starts = self.starts(run, prefix);
                starts.into_iter().flat_map(|start| self.run(start, run_length(run))).collect()
            }
            Ask::Window(terms, distance) => {
                let lists: Vec<_> = terms.iter().map(|term| self.at(term)).collect();
                if !in_window(terms, &lists, *distance) {
                    return Vec::new();
                }
                lists.iter().flatten().filter_map(|at| self.ranges.get(at).cloned()).collect()
            }
        }
    }

    fn at(&self, term: &str) -> Vec<u32> {
        self.positions.get(term).cloned().unwrap_or_default()
    }

    fn starts(&self, run: &[Placed], prefix: bool) -> Vec<u32> {
        let mut lists: Vec<_> = run.iter().map(|(_, term)| self.at(term)).collect();
        if let (true, Some((_, beginning)), Some(last)) = (prefix, run.last(), lists.last_mut()) {
            let fitting =
                self.positions.iter().filter(|(term, _)| term.starts_with(beginning.as_str()));
            *last = fitting.flat_map(|(_, positions)| positions.iter().copied()).collect();
            last.sort_unstable();
        }
        occurrences(run, &lists)
    }

    /// One range from the first to the last word of a run.
    fn run(&self, start: u32, length: u32) -> Option<Range<usize>> {
        let first = self.ranges.get(&start)?;
        let last = self.ranges.get(&(start + length - 1)).unwrap_or(first);
        Some(first.start..last.end.max(first.end))
    }
}

/// Whether these words, with these terms among them, answer the ask.
pub(crate) fn satisfied(ask: &Ask, words: &[(u32, String)], terms: &[String]) -> bool {
    let at = |wanted: &str| -> Vec<u32> {
        words.iter().filter(|(_, word)| word == wanted).map(|(position, _)| *position).collect()
    };
    let lists =
        |run: &[Placed]| -> Vec<Vec<u32>> { run.iter().map(|(_, term)| at(term)).collect() };
    match ask {
        Ask::Near(left, right, distance) => are_near(
            (&occurrences(left, &lists(left)), run_length(left)),
            (&occurrences(right, &lists(right)), run_length(right)),
            *distance,
        ),
        Ask::Prefix(prefix) => terms.iter().any(|term| term.starts_with(prefix.as_str())),
        Ask::Sequence(run) => !occurrences(run, &lists(run)).is_empty(),
        Ask::SequencePrefix(run) => {
            let mut positions = lists(run);
            if let (Some(last), Some((_, beginning))) = (positions.last_mut(), run.last()) {
                let fitting = words.iter().filter(|(_, word)| word.starts_with(beginning.as_str()));
                *last = fitting.map(|(position, _)| *position).collect();
            }
            !occurrences(run, &positions).is_empty()
        }
        Ask::Stem(_, word) | Ask::Term(word) => terms.contains(word),
        Ask::Window(wanted, distance) => {
            let positions: Vec<_> = wanted.iter().map(|term| at(term)).collect();
            in_window(wanted, &positions, *distance)
        }
    }
}

fn pieces(text: &str, window: Range<usize>, hits: &[(Range<usize>, usize)]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut push = |range: Range<usize>, hit| {
        if !range.is_empty() {
            pieces.push(Piece { text: text[range].to_owned(), hit });
        }
    };
    let mut at = window.start;
    for (range, _) in hits {
        let (start, end) = (range.start.max(window.start), range.end.min(window.end));
        if start >= end {
            continue;
        }
        push(at..start, false);
        push(start..end, true);
        at = end;
    }
    push(at..window.end, false);
    pieces
}

/// The window of about [`SNIPPET_CHARS`] characters that answers most different asks, and how
/// many.
fn best_window(text: &str, hits: &[(Range<usize>, usize)]) -> (usize, Range<usize>) {
    let mut best = (0, 0);
    let mut counts: HashMap<usize, usize> = HashMap::new();
    let mut left = 0;
    for (i, (range, ask)) in hits.iter().enumerate() {
        *counts.entry(*ask).or_default() += 1;
        // Bytes stand for characters here: near enough to choose by.
        while left < i && range.end - hits[left].0.start > SNIPPET_CHARS {
            if let Some(count) = counts.get_mut(&hits[left].1) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(&hits[left].1);
                }
            }
            left += 1;
        }
        if counts.len() > best.0 {
            best = (counts.len(), hits[left].0.start);
        }
    }
    let lead = text[..best.1].char_indices().rev().take(LEAD_CHARS).last().map_or(0, |(at, _)| at);
    let start = match lead {
        0 => 0,
        // Begins at a word, if one begins soon.
        _ => text[lead..best.1].find(char::is_whitespace).map_or(lead, |at| lead + at),
    };
    let start = start + (text[start..].len() - text[start..].trim_start().len());
    let end =
        text[start..].char_indices().nth(SNIPPET_CHARS).map_or(text.len(), |(at, _)| start + at);
    if end == text.len() {
        return (best.0, start..end);
    }
    let word = text[start..end].rfind(char::is_whitespace).map(|at| start + at);
    (best.0, start..word.filter(|at| *at > start + (end - start) / 2).unwrap_or(end))
}

fn squeeze(pieces: &mut Vec<Piece>) {
    let mut space = true;
    for piece in pieces.iter_mut() {
        let mut text = String::with_capacity(piece.text.len());
        for c in piece.text.chars() {
            let blank = c.is_whitespace() || c.is_control();
            if !blank {
                text.push(c);
            } else if !space {
                text.push(' ');
            }
            space = blank;
        }
        piece.text = text;
    }
    pieces.retain(|piece| !piece.text.is_empty());
}

#[cfg(test)]
mod tests;
