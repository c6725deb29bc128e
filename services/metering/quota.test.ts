import { describe, expect, it } from 'vitest';
import { addDays, type Day } from './calendar.ts';
import { monthOutlook, peopleReachedOn, quotaOf } from './quota.ts';

describe('a quota', () => {
  it.each([
    [100, 0, { remaining: 100, overage: 0, share: 0 }],
    [100, 25, { remaining: 75, overage: 0, share: 0.25 }],
    [100, 100, { remaining: 0, overage: 0, share: 1 }],
    [100, 130, { remaining: 0, overage: 30, share: 1.3 }],
    [0, 0, { remaining: 0, overage: 0, share: null }],
    [0, 3, { remaining: 0, overage: 3, share: null }],
  ])('of %i with %i used', (owned, used, rest) => {
    expect(quotaOf(owned, used)).toEqual({ owned, used, ...rest });
  });
});

describe('where a month is heading', () => {
  const month = '2026-06';
  const days = (...totals: number[]) =>
    totals.flatMap((total, index) => (total === 0 ? [] : [{ day: addDays('2026-06-01', index), total }]));

  it.each<[string, number[], number, on: Day, today: Day, projected: number | null, reachedOn: Day | null]>([
    ['on its first day', [7], 1_000, '2026-06-01', '2026-06-01', 210, null],
    ['in its middle', [10, 10, 10, 10, 10], 1_000, '2026-06-05', '2026-06-05', 300, null],
    ['with no usage', [], 1_000, '2026-06-05', '2026-06-05', 0, null],
    ['on its last day', [10, 20], 1_000, '2026-06-30', '2026-06-30', 30, null],
    ['exactly at its end', [10, 10, 10], 300, '2026-06-03', '2026-06-03', 300, '2026-06-30'],
    ['one short of that', [10, 10, 10], 301, '2026-06-03', '2026-06-03', 300, null],
    ['before its end', [10, 10, 10], 101, '2026-06-03', '2026-06-03', 300, '2026-06-11'],
    ['reached already', [10, 90, 10], 100, '2026-06-03', '2026-06-03', 1_100, '2026-06-02'],
    ['nothing owned', [10], 0, '2026-06-01', '2026-06-01', 300, null],
    ['asked of an earlier day', [10, 10, 0, 0], 290, '2026-06-02', '2026-06-04', 300, '2026-06-29'],
    ['of an earlier day, when it was quicker then', [50, 0, 0, 0], 60, '2026-06-01', '2026-06-04', 1_500, '2026-06-04'],
    ['of an earlier day, when less was known', [1, 99], 1_000, '2026-06-01', '2026-06-02', 100, null],
    ['asked of a later day', [10, 10], 1_000, '2026-06-20', '2026-06-02', 300, null],
    ['when it is over', [10, 10], 15, '2026-06-05', '2026-07-01', 20, '2026-06-02'],
    ['when it is over and all was well', [10, 10], 21, '2026-06-05', '2026-07-01', 20, null],
    ['when it is to come', [], 15, '2026-06-05', '2026-05-31', null, null],
  ])('%s', (_, totals, owned, on, today, projected, reachedOn) => {
    expect(monthOutlook({ month, days: days(...totals), owned, on, today })).toEqual({ projected, reachedOn });
  });
});

describe('people reach their quota', () => {
  const curve = (last: Day, ...totals: number[]) =>
    totals.map((total, index) => ({ day: addDays(last, index + 1 - totals.length), total }));
  const rising = Array.from({ length: 29 }, (_, index) => 100 + index);

  it.each<[string, number[], number, Day | null]>([
    ['at the pace of the last 28 days', rising, 138, '2026-06-25'],
    ['the day after', rising, 129, '2026-06-16'],
    ['in a year at most', rising, 128 + 366, addDays('2026-06-15', 366)],
    ['not if that takes longer', rising, 128 + 367, null],
    ['today', [...rising.slice(0, -1), 128], 128, '2026-06-15'],
    ['some days ago', rising, 121, '2026-06-08'],
    ['since longer than is looked at', rising, 100, null],
    ['again, after a day below', [50, 130, 90, 130, 130], 100, '2026-06-14'],
    ['not when they grow fewer', rising.toReversed(), 200, null],
    ['not when they stay as many', rising.map(() => 100), 200, null],
    ['not after too few days', [1, 2, 3, 4, 5, 6, 7], 10, null],
    ['with a week behind them', [1, 2, 3, 4, 5, 6, 7, 8], 10, '2026-06-17'],
    ['at the pace since there was anybody', [0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8], 10, '2026-06-17'],
    ['not after too few days since then', [0, 0, 1, 2, 3, 4, 5, 6, 7], 10, null],
    ['on the day when the first came', [0, 0, 10, 10], 10, '2026-06-14'],
    ['not where nothing is owned', rising, 0, null],
    ['not where nothing is known', [], 10, null],
  ])('%s', (_, totals, owned, reachedOn) => {
    expect(peopleReachedOn(curve('2026-06-15', ...totals), () => owned)).toBe(reachedOn);
  });

  it('when less is owned from a day on', () => {
    const ownedOn = (day: Day): number => (day < '2026-06-10' ? 500 : 50);
    expect(peopleReachedOn(curve('2026-06-15', ...rising), ownedOn)).toBe('2026-06-10');
  });
});
