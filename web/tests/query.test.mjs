import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runnerImport } from 'vite';

const load = async (path) => (await runnerImport(new URL(`../src/${path}`, import.meta.url).pathname)).module;
const { composeQuery, countFilters, wordsOf } = await load('pages/search/query.ts');
const { parseQuery, parseSearchState, stringifyQuery } = await load('app/paths.ts');

test('a query without filters is asked as it was typed', () => {
  assert.deepEqual(composeQuery({ q: 'a OR b' }), { text: 'a OR b', offset: 0 });
});

test('an OR that was typed stays inside of the filters', () => {
  const { text, offset } = composeQuery({ q: 'a OR b', from: ['x@y.example', 'z@y.example'], attachment: 'no' });
  assert.equal(text, '(from:x@y.example OR from:z@y.example) NOT has:attachment (a OR b)');
  assert.equal(text.slice(offset, offset + 6), 'a OR b');
});

test('the last day of a period counts', () => {
  assert.equal(composeQuery({ after: '2024-02-01', before: '2024-02-29' }).text, 'after:2024-02-01 before:2024-03-01');
});

test('classes of sizes have a lower bound that belongs to them', () => {
  assert.equal(composeQuery({ size: ['10K-100K'] }).text, '(NOT smaller:10K smaller:100K)');
  assert.equal(composeQuery({ size: ['-10K', '10M-'] }).text, '((smaller:10K) OR (NOT smaller:10M))');
});

test('the address bar gives back what was put into it', () => {
  const state = { q: '"final offer" ü', from: ['a@b.example', 'c@d.example'], year: ['2025'], sort: 'relevance', id: 'ab' };
  assert.deepEqual(parseSearchState(parseQuery(stringifyQuery(state))), state);
  assert.equal(countFilters(state), 3);
});

test('what does not belong into the address bar is dropped', () => {
  assert.deepEqual(parseSearchState({ q: '', attachment: 'perhaps', before: '1.2.2024', from: [''], other: 'x' }), {});
});

test('words to be marked are those of the text, not of operators', () => {
  assert.deepEqual(wordsOf('from:anna "final offer" AND rech* -subject:x subject:plan'), ['final offer', 'rech', 'plan']);
});
