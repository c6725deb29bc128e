import { expect, it } from 'vitest';
import { someOf } from './some-of.ts';

const TESTS = ['a', 'b', 'c', 'd', 'e'] as const;
const SOME = { TALLY_TEST_SOME: '1' };
const DAY_MS = 86_400_000;

it('takes so many of the tests, and each of them in the course of some days', () => {
  const days = Array.from({ length: TESTS.length }, (_, day) => someOf(TESTS, 2, SOME, day * DAY_MS));
  for (const taken of days) expect(new Set(taken).size).toBe(2);
  expect(new Set(days.flat())).toEqual(new Set(TESTS));
  expect(someOf(TESTS, 2, SOME, DAY_MS - 1)).toEqual(someOf(TESTS, 2, SOME, 0));
});

it('takes all of them when there are no more, and where nobody asks for some', () => {
  expect(someOf(TESTS, 9, SOME)).toEqual(TESTS);
  expect(someOf(TESTS, 1, {})).toEqual(TESTS);
  const wrong = { TALLY_TEST_SOME: 'yes' };
  expect(() => someOf(TESTS, 1, wrong)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
});
