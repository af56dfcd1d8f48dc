import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runnerImport } from 'vite';

const load = async (path) => (await runnerImport(new URL(`../src/${path}`, import.meta.url).pathname)).module;
const { addDays, addMonths, readDay, weeksOf, writeDay } = await load('ui/days.ts');
const { differs } = await load('components/links.ts');

test('a day is read however people write it', () => {
  for (const text of ['2026-03-04', '4.3.2026', '04.03.26', '4/3/2026', ' 04 / 03 / 2026 ']) assert.equal(readDay(text), '2026-03-04', text);
});

test('what is no day is not read as one', () => {
  for (const text of ['', '31.2.2026', '2026-13-01', 'tomorrow', '3.2026']) assert.equal(readDay(text), null, text);
});

test('a day is written in the language of the page', () => {
  assert.equal(writeDay('2026-03-04', 'de'), '04.03.2026');
  assert.equal(writeDay('2026-03-04', 'en'), '04/03/2026');
  assert.equal(writeDay('', 'de'), '');
});

test('months and leap days come out right', () => {
  assert.equal(addMonths('2026-01-31', 1), '2026-02-28');
  assert.equal(addMonths('2026-01-31', -2), '2025-11-30');
  assert.equal(addDays('2028-02-28', 1), '2028-02-29');
});

test('a calendar page begins on a Monday and shows the whole month', () => {
  const weeks = weeksOf('2026-03-15');
  assert.equal(weeks[0][0], '2026-02-23');
  assert.ok(weeks.flat().includes('2026-03-31'));
});

test('a link whose text names another host is noticed', () => {
  assert.equal(differs('www.bank.example', 'https://bank.example.attacker.example/'), true);
  assert.equal(differs('https://bank.example/login', 'https://www.bank.example/login'), false);
  assert.equal(differs('click here', 'https://attacker.example/'), false);
});
