import { expect, it } from 'vitest';
import { someOf } from './some-of.ts';

const VARIANTS = ['a', 'b', 'c', 'd', 'e'] as const;
const DAY_MS = 86_400_000;

it('takes so many of the variants, and each of them in the course of some days', () => {
  const days = Array.from({ length: VARIANTS.length }, (_, day) => someOf(VARIANTS, 2, {}, day * DAY_MS));
  for (const taken of days) expect(new Set(taken).size).toBe(2);
  expect(new Set(days.flat())).toEqual(new Set(VARIANTS));
  expect(someOf(VARIANTS, 2, {}, DAY_MS - 1)).toEqual(someOf(VARIANTS, 2, {}, 0));
});

it('takes all of them when there are no more, or when it is told to', () => {
  expect(someOf(VARIANTS, 9, {})).toEqual(VARIANTS);
  expect(someOf(VARIANTS, 1, { TALLY_TEST_ALL: '1' })).toEqual(VARIANTS);
  expect(() => someOf(VARIANTS, 1, { TALLY_TEST_ALL: 'yes' })).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID' }),
  );
});
