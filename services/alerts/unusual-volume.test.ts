import { addDays, type Day, type DayUsage } from '@tally/metering';
import { describe, expect, it, test } from 'vitest';
import type { Severity } from './alert.ts';
import { findingsOf } from './evaluate.ts';
import { defaultRules } from './rules.ts';
import { briefly, tenantSeen } from './test-observations.ts';

/** A Friday. */
const on = '2026-11-20';
const RULES = defaultRules('tenant');

/** Each day of nine weeks alike, but for those named. */
function history(total: number, otherwise: Record<Day, number> = {}, weeks = 9): DayUsage[] {
  return Array.from({ length: weeks * 7 + 1 }, (_, index) => addDays(on, index - weeks * 7))
    .map((day) => ({ day, total: otherwise[day] ?? total }))
    .filter((one) => one.total > 0);
}

function found(subject: 'too-many' | 'too-few', days: readonly DayUsage[], at?: number) {
  const seen = tenantSeen({ on, days, ...(at === undefined ? {} : { at }) });
  return briefly(findingsOf(RULES, seen), 'unusual-volume').find((one) => one.subject === subject);
}

describe('a day with many interactions', () => {
  it.each<[string, DayUsage[], number | null, Severity | null]>([
    ['is usual at the median', history(10_000), 0, null],
    ['is usual up to six deviations', history(10_000, { [on]: 15_999 }), 5.999, null],
    ['is unusual from six on', history(10_000, { [on]: 16_000 }), 6, 'info'],
    ['is worse from twelve on', history(10_000, { [on]: 22_000 }), 12, 'warning'],
    ['is usual where a tenant is tiny', history(3, { [on]: 2_900 }), 5.794, null],
    ['is unusual where a tenant was, until today', history(3, { [on]: 3_100 }), 6.194, 'info'],
    ['is usual with three weeks of history', history(10_000, { [on]: 99_000 }, 3), null, null],
    ['is unusual with four', history(10_000, { [on]: 99_000 }, 4), 89, 'warning'],
    ['is not held against other weekdays', history(100, { [on]: 90_000, ...fridays(90_000) }), 0, null],
    [
      'is unusual beside two earlier ones',
      history(10_000, { [on]: 20_000, '2026-11-13': 90_000, '2026-10-02': 0 }),
      10,
      'info',
    ],
    ['still is on the day after', history(10_000, { '2026-11-19': 20_000 }), 10, 'info'],
    ['is over on the second day after', history(10_000, { '2026-11-18': 20_000 }), 0, null],
  ])('%s', (_, days, value, severity) => {
    const { value: is, severity: how } = found('too-many', days) ?? {};
    expect([is === null ? null : Number(is?.toFixed(3)), how]).toEqual([value, severity]);
  });

  function fridays(total: number): Record<Day, number> {
    return Object.fromEntries(Array.from({ length: 9 }, (_, week) => [addDays(on, -7 * week), total]));
  }

  test('is usual where days differ much anyway', () => {
    const totals = [2_000, 30_000, 5_000, 22_000, 9_000, 40_000, 1_000, 16_000];
    const past = Object.fromEntries(totals.map((total, index) => [addDays(on, -7 * (index + 1)), total]));
    expect(found('too-many', history(10_000, { ...past, [on]: 80_000 }))?.severity).toBeNull();
  });
});

describe('a day with few interactions', () => {
  const yesterday = '2026-11-19';
  const atHour = (hour: number) => Date.parse(`${on}T0${hour}:00:00Z`);

  it.each<[string, DayUsage[], number, number | null, Severity | null]>([
    ['is usual while it lasts', history(10_000, { [on]: 0 }), 7, 0, null],
    ['is unusual when it is over and its grace', history(10_000, { [yesterday]: 4_000 }), 6, 6, 'info'],
    ['is usual a little above', history(10_000, { [yesterday]: 4_001 }), 6, 5.999, null],
    ['is not looked at within its grace', history(10_000, { [yesterday]: 0 }), 5, 0, null],
    ['is unusual without any', history(10_000, { [yesterday]: 0 }), 6, 10, 'info'],
    ['is usual where a tenant is small', history(2_900, { [yesterday]: 0 }), 6, 5.8, null],
  ])('%s', (_, days, hour, value, severity) => {
    const { value: is, severity: how } = found('too-few', days, atHour(hour)) ?? {};
    expect([is === null ? null : Number(is?.toFixed(3)), how]).toEqual([value, severity]);
  });
});

test('nothing is unusual of a tenant without any interaction', () => {
  expect(found('too-many', [])?.value).toBeNull();
  expect(found('too-few', [])?.value).toBeNull();
});

test('an unusual day is said with its history', () => {
  const [many] = findingsOf(RULES, tenantSeen({ on, days: history(10_000, { [on]: 84_000 }) })).filter(
    ({ rule }) => rule === 'unusual-volume',
  );
  expect(many?.title).toBe('Unusually many interactions on 2026-11-20');
  expect(many?.detail).toBe(
    '84,000 interactions on Friday, 2026-11-20. On the 8 Fridays before it there were about 10,000, give or take 1,000; this is 74 times that away. Was a journey started twice, or for a larger audience than meant?',
  );
});
