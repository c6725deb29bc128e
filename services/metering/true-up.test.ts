import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { addDays, addMonths, addToMonth, type Day, daysIn, firstDayOf, type Month } from './calendar.ts';
import type { LicenceLine } from './licence-lines.ts';
import { licenceYear, trueUp, type YearUsage } from './true-up.ts';

const people = (packSize: number, startsOn: Day, endsOn: Day | null = null): LicenceLine => ({
  sku: 'ci-interacted-people-t1',
  quantity: 1,
  packSize,
  startsOn,
  endsOn,
});
const unified = (packSize: number, startsOn: Day): LicenceLine => ({
  sku: 'ci-unified-people',
  quantity: 1,
  packSize,
  startsOn,
  endsOn: null,
});
const NOTHING: YearUsage = { engaged: [], interactions: [], unified: [] };

describe('a licence year', () => {
  it.each([
    ['2026-01-01', '2027-01-01', '2026-01', '2026-12'],
    ['2026-07-01', '2027-07-01', '2026-07', '2027-06'],
    ['2026-01-15', '2027-01-15', '2026-01', '2026-12'],
    ['2026-01-31', '2027-01-31', '2026-01', '2026-12'],
    ['2024-02-29', '2025-02-28', '2024-02', '2025-01'],
    ['2023-02-28', '2024-02-28', '2023-02', '2024-01'],
    ['2026-12-31', '2027-12-31', '2026-12', '2027-11'],
  ])('that begins on %s lasts until %s and has the months %s to %s', (from, until, firstMonth, lastMonth) => {
    expect(licenceYear(from)).toEqual({ from, until, firstMonth, lastMonth });
  });

  test('and the one after it have every month once', () => {
    for (let day = '2023-01-01'; day < '2025-01-01'; day = addDays(day, 1)) {
      const { until, lastMonth } = licenceYear(day);
      expect(licenceYear(until).firstMonth).toBe(addToMonth(lastMonth, 1));
    }
  });
});

describe('the true-up', () => {
  const lines = [people(100, '2026-01-01'), people(50, '2026-03-01', '2026-04-01')];

  test('of nothing used is nothing', () => {
    const none = { peak: 0, peakDay: null, shortfall: 0, shortfallDay: null };
    expect(trueUp(lines, NOTHING)).toEqual({
      engaged: none,
      unified: none,
      interactions: { peak: 0, peakMonth: null, shortfallPeople: 0, shortfallMonth: null },
      peopleToBuy: 0,
      unifiedPeopleToBuy: 0,
    });
  });

  it.each<[string, [Day, number][], peak: [number, Day], shortfall: [number, Day | null]]>([
    ['just covered', [['2026-02-01', 100]], [100, '2026-02-01'], [0, null]],
    ['one over', [['2026-02-01', 101]], [101, '2026-02-01'], [1, '2026-02-01']],
    ['before anything was owned', [['2025-12-31', 7]], [7, '2025-12-31'], [7, '2025-12-31']],
    [
      'worst on another day than the peak',
      [
        ['2026-03-31', 151],
        ['2026-04-01', 120],
      ],
      [151, '2026-03-31'],
      [20, '2026-04-01'],
    ],
    [
      'the same on two days',
      [
        ['2026-02-01', 105],
        ['2026-02-02', 105],
      ],
      [105, '2026-02-01'],
      [5, '2026-02-01'],
    ],
  ])('of engaged people %s', (_, days, [peak, peakDay], [shortfall, shortfallDay]) => {
    const engaged = days.map(([day, total]) => ({ day, total }));
    expect(trueUp(lines, { ...NOTHING, engaged })).toMatchObject({
      engaged: { peak, peakDay, shortfall, shortfallDay },
      peopleToBuy: shortfall,
      unifiedPeopleToBuy: 0,
    });
  });

  it.each<[string, Month, number, number]>([
    ['at the allowance', '2026-02', 1_000, 0],
    ['one over it: a whole person', '2026-02', 1_001, 1],
    ['ten over it', '2026-02', 1_010, 1],
    ['eleven over it', '2026-02', 1_011, 2],
    ['at the month with the add-on', '2026-03', 1_500, 0],
    ['a month after the add-on’s end', '2026-04', 1_500, 50],
  ])('of interactions %s', (_, month, total, shortfallPeople) => {
    expect(trueUp(lines, { ...NOTHING, interactions: [{ month, total }] })).toMatchObject({
      interactions: { peak: total, peakMonth: month, shortfallPeople },
      peopleToBuy: shortfallPeople,
    });
  });

  test('is for the larger of the two shortfalls, never their sum, and unified people apart', () => {
    const usage: YearUsage = {
      engaged: [{ day: '2026-02-01', total: 107 }],
      interactions: [{ month: '2026-02', total: 1_045 }],
      unified: [{ day: '2026-02-01', total: 30 }],
    };
    const both = [...lines, unified(10, '2026-01-01')];
    expect(trueUp(both, usage)).toMatchObject({ peopleToBuy: 7, unifiedPeopleToBuy: 20 });
    const interactions = [{ month: '2026-02', total: 1_095 }];
    expect(trueUp(both, { ...usage, interactions })).toMatchObject({ peopleToBuy: 10, unifiedPeopleToBuy: 20 });
  });
});

/** A plain model: walks through the year's days, looking at every line on each. */
function model(
  lines: readonly LicenceLine[],
  from: Day,
  usedOn: (day: Day) => number,
  usedIn: (month: Month) => number,
) {
  const owned = (sku: string, day: Day): number => {
    let sum = 0;
    for (const line of lines) {
      const ended = line.endsOn !== null && line.endsOn <= day;
      if (line.sku === sku && line.startsOn <= day && !ended) sum += line.quantity * (line.packSize ?? 0);
    }
    return sum;
  };
  let [engagedShort, unifiedShort, interactionShort] = [0, 0, 0];
  for (let day = from; day < addMonths(from, 12); day = addDays(day, 1)) {
    engagedShort = Math.max(engagedShort, usedOn(day) - owned('ci-interacted-people-t1', day));
    unifiedShort = Math.max(unifiedShort, usedOn(day) - owned('ci-unified-people', day));
  }
  for (let number = 0; number < 12; number++) {
    const month = addToMonth(from.slice(0, 7), number);
    let most = 0;
    for (let day = 0; day < daysIn(month); day++) {
      most = Math.max(most, owned('ci-interacted-people-t1', addDays(firstDayOf(month), day)));
    }
    let short = 0;
    while (usedIn(month) > 10 * (most + short)) short++;
    interactionShort = Math.max(interactionShort, short);
  }
  return { engagedShort, unifiedShort, interactionShort };
}

test('the true-up of a year is what a walk through its days finds', () => {
  const day = fc.integer({ min: -60, max: 430 }).map((days) => addDays('2024-01-20', days));
  const line = fc
    .record({
      startsOn: day,
      days: fc.option(fc.integer({ min: 1, max: 400 })),
      packSize: fc.integer({ min: 1, max: 60 }),
      quantity: fc.integer({ min: 1, max: 3 }),
      sku: fc.constantFrom('ci-interacted-people-t1', 'ci-unified-people'),
    })
    .map(
      ({ days, ...rest }): LicenceLine => ({ ...rest, endsOn: days === null ? null : addDays(rest.startsOn, days) }),
    );
  const start = fc.constantFrom('2024-01-01', '2024-01-20', '2024-02-29', '2024-01-31');
  const used = fc.array(fc.nat(200), { minLength: 20, maxLength: 20 });
  fc.assert(
    fc.property(fc.array(line, { maxLength: 6 }), start, used, (lines, from, samples) => {
      const at = (text: string): number =>
        samples[[...text].reduce((sum, one) => sum * 7 + one.charCodeAt(0), 0) % 20] ?? 0;
      const usedIn = (month: Month): number => at(month) * 9;
      const { until, firstMonth } = licenceYear(from);
      const days = [];
      for (let one: Day = from; one < until; one = addDays(one, 1)) days.push({ day: one, total: at(one) });
      const interactions = Array.from({ length: 12 }, (_, number) => addToMonth(firstMonth, number)).map((month) => ({
        month,
        total: usedIn(month),
      }));
      const expected = model(lines, from, at, usedIn);
      const found = trueUp(lines, { engaged: days, unified: days, interactions });
      expect({
        engagedShort: found.engaged.shortfall,
        unifiedShort: found.unified.shortfall,
        interactionShort: found.interactions.shortfallPeople,
      }).toEqual(expected);
      expect(found.peopleToBuy).toBe(Math.max(expected.engagedShort, expected.interactionShort));
      expect(found.unifiedPeopleToBuy).toBe(expected.unifiedShort);
    }),
    { numRuns: 100 },
  );
});
