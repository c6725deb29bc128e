import { addDays, type Day, type DayUsage, dayOfMonth, monthOf } from '@tally/metering';
import { expect, test } from 'vitest';
import { dryRun } from './dry-run.ts';
import { type Rule, rulesInForce } from './rules.ts';
import { endOf, people, pipelineSeen, tenantSeen } from './test-observations.ts';

const FROM = '2025-12-01';
const DAYS = 365;
const lines = [people(1_000, '2025-12-01', '2026-10-01')];

function each(from: Day, days: number): Day[] {
  return Array.from({ length: days }, (_, index) => addDays(from, index));
}

/** A hundred a day, three hundred in March, and twenty thousand on one day in July. */
function usage(): DayUsage[] {
  return each(FROM, DAYS).map((day) => {
    const total = day === '2026-07-15' ? 20_000 : monthOf(day) === '2026-03' ? 300 + dayOfMonth(day) : 100;
    return { day, total };
  });
}

const usageThen = usage();
const observations = each(FROM, DAYS).map((on) =>
  tenantSeen({ on, lines, days: usageThen.filter(({ day }) => day <= on), year: on < '2026-10-01' ? FROM : null }),
);

function said(rules: readonly Rule[]): string[] {
  return dryRun(rules, observations.toReversed()).map(
    ({ at, change, alert }) => `${at.slice(0, 10)} ${change} ${alert.rule} ${alert.severity}`,
  );
}

test('a dry run says what would have been told over twelve months, and when', () => {
  expect(said(rulesInForce())).toEqual([
    // 301 on the 1st, 302 on the 2nd: the 26th makes 8,151, the 29th 9,135.
    '2026-03-26 opened quota-share-interactions info',
    '2026-03-29 raised quota-share-interactions warning',
    '2026-04-01 resolved quota-share-interactions warning',
    '2026-07-15 opened quota-share-interactions critical',
    '2026-07-15 opened unusual-volume warning',
    '2026-07-17 resolved unusual-volume warning',
    '2026-08-01 resolved quota-share-interactions critical',
    '2026-08-01 opened peak-overrun warning',
    // The licence ends, and with it the licence year; a hundred a day go on.
    '2026-10-01 resolved peak-overrun warning',
    '2026-10-01 opened unlicensed-usage warning',
    '2026-11-01 resolved unlicensed-usage warning',
    '2026-11-01 opened unlicensed-usage warning',
  ]);
});

test('a dry run of one rule says what that rule says of it', () => {
  const all = said(rulesInForce());
  for (const rule of rulesInForce()) {
    expect(said([rule])).toEqual(all.filter((line) => line.includes(` ${rule.name} `)));
  }
});

test('a dry run of the pipeline', () => {
  const rules = rulesInForce([], 'operator');
  const nights = each('2026-11-01', 5).map((on, index) =>
    pipelineSeen(on, { deadLetters: { number: index === 2 ? 500 : 0, records: 10_000 } }),
  );
  const changes = dryRun(rules, nights);
  expect(changes.map(({ at, change, alert }) => [Date.parse(at), change, alert.rule, alert.severity])).toEqual([
    [endOf('2026-11-03'), 'opened', 'dead-letters-number', 'warning'],
    [endOf('2026-11-03'), 'opened', 'dead-letters-share', 'warning'],
    [endOf('2026-11-04'), 'resolved', 'dead-letters-number', 'warning'],
    [endOf('2026-11-04'), 'resolved', 'dead-letters-share', 'warning'],
  ]);
});
