import { addDays, type Day, type LicenceLine } from '@tally/metering';
import { describe, expect, it, test } from 'vitest';
import type { Severity } from './alert.ts';
import { findingsOf } from './evaluate.ts';
import { defaultRules } from './rules.ts';
import { briefly, people, tenantSeen, unifiedPeople } from './test-observations.ts';

const RULES = defaultRules('tenant');
const YEAR = '2026-01-01';
const owned = [people(1_000, YEAR), unifiedPeople(2_000, YEAR)];
const on = '2026-11-20';
const found = (rule: string, usage: Parameters<typeof tenantSeen>[0]) =>
  briefly(findingsOf(RULES, tenantSeen(usage)), rule);

describe('the share of a quota', () => {
  const shares: [used: number, share: number, Severity | null][] = [
    [0, 0, null],
    [7_999, 0.7999, null],
    [8_000, 0.8, 'info'],
    [8_999, 0.8999, 'info'],
    [9_000, 0.9, 'warning'],
    [9_999, 0.9999, 'warning'],
    [10_000, 1, 'critical'],
    [25_000, 2.5, 'critical'],
  ];
  it.each(shares)('of %i of 10,000 interactions is %d: %s', (used, value, severity) => {
    expect(found('quota-share-interactions', { on, lines: owned, days: [{ day: '2026-11-01', total: used }] })).toEqual(
      [{ subject: 'interactions', period: '2026-11', value, severity }],
    );
  });

  it.each([
    [799, null],
    [800, 'info'],
    [900, 'warning'],
    [1_000, 'critical'],
  ])('of %i of 1,000 engaged people is %s, told once a licence year', (engaged, severity) => {
    expect(found('quota-share-engaged', { on, lines: owned, engaged, year: YEAR })).toEqual([
      { subject: 'engaged', period: YEAR, value: engaged / 1_000, severity },
    ]);
  });

  test('of unified people is not looked at before their first figure', () => {
    expect(found('quota-share-unified', { on, lines: owned, year: YEAR })).toEqual([]);
    expect(found('quota-share-unified', { on, lines: owned, year: YEAR, unified: 1_800 })).toEqual([
      { subject: 'unified', period: YEAR, value: 0.9, severity: 'warning' },
    ]);
  });

  it.each<[string, Day, LicenceLine[], number | null, Severity | null]>([
    ['on the licence’s first day', YEAR, owned, 0.8, 'info'],
    ['the day before it', '2025-12-31', owned, null, null],
    ['on its last day', '2026-12-31', [people(1_000, YEAR, '2027-01-01')], 0.8, 'info'],
    ['the day after it', '2027-01-01', [people(1_000, YEAR, '2027-01-01')], null, null],
    ['on the 29th of February', '2028-02-29', [people(1_000, '2028-02-29', '2028-03-01')], 0.8, 'info'],
    [
      'on a trial',
      on,
      [{ sku: 'trial', quantity: 1, packSize: 1_000, startsOn: '2026-11-01', endsOn: '2026-12-01' }],
      0.8,
      'info',
    ],
    [
      'on a trial that has ended',
      '2026-12-01',
      [{ sku: 'trial', quantity: 1, packSize: 1_000, startsOn: '2026-11-01', endsOn: '2026-12-01' }],
      null,
      null,
    ],
    ['where nothing was ever owned', on, [], null, null],
  ])('%s', (_, day, lines, value, severity) => {
    expect(found('quota-share-engaged', { on: day, lines, engaged: 800 })).toEqual([
      { subject: 'engaged', period: day.slice(0, 7), value, severity },
    ]);
  });

  test('counts a purchase on the month’s last day for the whole month', () => {
    const lines = [people(1_000, YEAR), people(1_000, '2026-11-30')];
    const days = [{ day: '2026-11-01', total: 10_000 }];
    expect(found('quota-share-interactions', { on, lines, days })[0]?.value).toBe(0.5);
  });

  test('is said in plain words, cut and never rounded up', () => {
    const days = [{ day: '2026-11-10', total: 7_999 }];
    const [finding] = findingsOf(RULES, tenantSeen({ on, lines: owned, days }));
    expect(finding?.title).toBe('79.9 % of the 10,000 interactions of 2026-11 are used');
    expect(finding?.detail).toBe(
      '7,999 of the 10,000 interactions of 2026-11 are used; 2,001 are left. At the pace so far the last of them is used on 2026-11-26. The month is heading for 11,999. Nothing is stopped at the quota; what goes beyond it has to be bought at the true-up. Send less, or own more engaged people: each adds 10 interactions.',
    );
  });
});

describe('the month’s projection', () => {
  const daily = (first: Day, number: number, total: number) =>
    Array.from({ length: number }, (_, index) => ({ day: addDays(first, index), total }));

  it.each<[string, Day, total: number, value: number | null, Severity | null]>([
    ['of too few days', '2026-11-04', 1_000, 3, null],
    ['from the fifth day on', '2026-11-05', 400, 1.2, 'warning'],
    ['just below', '2026-11-05', 399, 1.197, 'info'],
    ['exactly at the allowance', '2026-11-15', 10_000 / 30, 1, 'info'],
    ['below it', '2026-11-15', 333, 0.999, null],
    ['in a February', '2026-02-14', 10_000 / 28, 1, 'info'],
    ['in a leap year’s', '2028-02-14', 10_000 / 29, 1, 'info'],
    ['when all is used, which the share says', '2026-11-10', 1_000, 3, null],
    ['on the month’s last day', '2026-11-30', 332, 0.996, null],
  ])('%s', (_, day, total, value, severity) => {
    const days = daily(`${day.slice(0, 8)}01`, Number(day.slice(8)), total);
    const period = day.slice(0, 7);
    const [projected] = found('projected-overrun-interactions', { on: day, lines: owned, days });
    expect(projected).toEqual({ subject: 'interactions', period, value, severity });
  });

  test('of nothing owned is none', () => {
    expect(found('projected-overrun-interactions', { on, days: daily('2026-11-01', 20, 9) })[0]?.value).toBeNull();
  });
});

describe('people who will reach their quota', () => {
  it.each<[string, engaged: number, reachedOn: Day | null, value: number | null, Severity | null]>([
    ['in 46 days', 900, addDays(on, 46), 46, null],
    ['in 45 days', 900, addDays(on, 45), 45, 'info'],
    ['in 15 days', 900, addDays(on, 15), 15, 'info'],
    ['in 14 days', 900, addDays(on, 14), 14, 'warning'],
    ['today', 999, on, 0, 'warning'],
    ['not at this pace', 900, null, null, null],
    ['already, which the share says', 1_000, addDays(on, -3), 0, null],
    ['soon, from half of it on', 500, addDays(on, 10), 10, 'warning'],
    ['soon, below half of it', 499, addDays(on, 10), 10, null],
  ])('%s', (_, engaged, engagedReachedOn, value, severity) => {
    const usage = { on, lines: owned, engaged, engagedReachedOn, year: YEAR };
    expect(found('projected-overrun-engaged', usage)).toEqual([{ subject: 'engaged', period: YEAR, value, severity }]);
  });

  it.each<[string, LicenceLine[], number | null]>([
    ['the day before the licence ends', [people(1_000, YEAR, addDays(on, 11))], 10],
    ['not on its end', [people(1_000, YEAR, addDays(on, 10))], null],
    ['also after the end of one of two lines', [people(500, YEAR, addDays(on, 5)), people(500, YEAR)], 10],
    ['not after the end of both', [people(500, YEAR, addDays(on, 5)), people(500, YEAR, addDays(on, 7))], null],
  ])('%s', (_, lines, value) => {
    const usage = { on, lines, engaged: 900, engagedReachedOn: addDays(on, 10), year: YEAR };
    expect(found('projected-overrun-engaged', usage)[0]?.value).toBe(value);
  });

  test('unified people apart, once they have a figure', () => {
    const usage = { on, lines: owned, unifiedReachedOn: addDays(on, 3), year: YEAR };
    expect(found('projected-overrun-unified', usage)).toEqual([]);
    expect(found('projected-overrun-unified', { ...usage, unified: 1_900 })[0]?.severity).toBe('warning');
  });
});

describe('the year’s peak month', () => {
  const usage = (total: number, day: Day) => ({ lines: owned, days: [{ day, total }], year: YEAR });

  it.each<[string, Day, total: number, day: Day, value: number, Severity | null]>([
    ['at the allowance', on, 10_000, '2026-10-31', 0, null],
    ['one over it', on, 10_001, '2026-10-31', 1, 'warning'],
    ['49,990 over it', on, 59_990, '2026-10-31', 4_999, 'warning'],
    ['50,000 over it', on, 60_000, '2026-10-31', 5_000, 'critical'],
    ['while it lasts, of which the share says it', on, 10_001, '2026-11-01', 1, null],
    ['on the first day after it', '2026-12-01', 10_001, '2026-11-30', 1, 'warning'],
    ['before the licence year', on, 90_000, '2025-12-31', 0, null],
  ])('%s', (_, day, total, usedOn, value, severity) => {
    expect(found('peak-overrun', { on: day, ...usage(total, usedOn) })).toEqual([
      { subject: 'interactions', period: YEAR, value, severity },
    ]);
  });

  test('begins anew with a licence year, and is none without one', () => {
    const lines = [people(1_000, YEAR)];
    const days = [{ day: '2026-12-31', total: 90_000 }];
    expect(found('peak-overrun', { on: '2027-01-01', lines, days, year: '2027-01-01' })).toEqual([
      { subject: 'interactions', period: '2027-01-01', value: 0, severity: null },
    ]);
    expect(found('peak-overrun', { on, days })[0]?.value).toBeNull();
  });
});

describe('usage without an allowance', () => {
  const ended = [people(1_000, YEAR, '2026-11-01')];
  it.each<[string, LicenceLine[], number, number | null, Severity | null]>([
    ['of a licence that has ended', ended, 1, 1, 'warning'],
    ['of one that has ended, with none used', ended, 0, 0, null],
    ['of a licence that ended within the month', [people(1_000, YEAR, '2026-11-02')], 9, null, null],
    ['of a licence that grants unified people only', [unifiedPeople(10, YEAR)], 9, 9, 'warning'],
    ['of a tenant that never had a licence', [], 9, null, null],
    ['of one whose licence is to come', [people(1_000, '2026-12-01')], 9, null, null],
  ])('%s', (_, lines, used, value, severity) => {
    const days = used === 0 ? [] : [{ day: on, total: used }];
    expect(found('unlicensed-usage', { on, lines, days })).toEqual([
      { subject: 'interactions', period: '2026-11', value, severity },
    ]);
  });
});

test('a tenant that owns nothing and does nothing hears nothing, and no figure is infinite', () => {
  for (const day of ['2026-01-01', '2028-02-29', '2026-12-31']) {
    for (const { severity, value } of findingsOf(RULES, tenantSeen({ on: day, unified: 0 }))) {
      expect(severity).toBeNull();
      expect(value === null || Number.isFinite(value)).toBe(true);
    }
  }
});
