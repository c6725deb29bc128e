import { expect, test } from 'vitest';
import { emptyStatement, overrunStatement } from './sample.ts';
import { count, dayName, momentName, percent, signed, verdictOf } from './words.ts';

test.each([
  [0, '0'],
  [999, '999'],
  [1_000, '1,000'],
  [1_234_567_890, '1,234,567,890'],
  [-1_234, '−1,234'],
])('%d is %s', (value, text) => {
  expect(count(value)).toBe(text);
});

test('a difference has its sign', () => {
  expect([5, 0, -5].map(signed)).toEqual(['+5', '0', '−5']);
});

test.each([
  [null, '–'],
  [0, '0.0%'],
  [0.0001, '<0.1%'],
  [0.8421, '84.2%'],
  [0.9999, '<100%'],
  [1, '100.0%'],
  [1.0001, '>100%'],
  [123.456, '12,345.6%'],
])('a share of %d is %s', (share, text) => {
  expect(percent(share)).toBe(text);
});

test('days and moments are UTC, in English', () => {
  expect(dayName('2026-02-01')).toBe('1 February 2026');
  expect(momentName('2026-11-01T01:30:00+02:00')).toBe('31 October 2026, 23:30 UTC');
});

test('one day beyond the quota makes the month one over quota', () => {
  const statement = overrunStatement();
  const within = { ...statement.interactions, overage: 0 };
  const calm = { ...statement, interactions: within, engagedPeople: { ...statement.engagedPeople, worst: null } };
  expect(verdictOf(calm)).toEqual({ kind: 'within', text: 'Within quota on every day of October 2026.' });
  const { worst } = statement.engagedPeople;
  expect(verdictOf({ ...calm, engagedPeople: { ...calm.engagedPeople, worst } }).kind).toBe('over');
  expect(verdictOf(emptyStatement()).kind).toBe('none');
});
