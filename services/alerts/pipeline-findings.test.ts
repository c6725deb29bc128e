import { describe, expect, it, test } from 'vitest';
import type { Severity } from './alert.ts';
import { findingsOf } from './evaluate.ts';
import type { OperatorObservation } from './observation.ts';
import { defaultRules } from './rules.ts';
import { briefly, endOf, pipelineSeen } from './test-observations.ts';

const on = '2026-11-20';
const RULES = defaultRules('operator');
const found = (rule: string, seen: Partial<OperatorObservation>) =>
  briefly(findingsOf(RULES, pipelineSeen(on, seen)), rule);
const lag = (records: number, oldestAgeSeconds: number | null) => ({
  lag: [{ topic: 'interactions', records, oldestAgeSeconds }],
});
const letters = (number: number, records: number) => ({ deadLetters: { number, records } });
const hour = 3_600_000;
const fresh = (lastSuccess: number | null, meter: number | null) => ({
  figures: {
    lastSuccessAt: lastSuccess === null ? null : endOf(on) - lastSuccess * 1_000,
    meters: [{ meter: 'engaged' as const, freshAt: meter === null ? null : endOf(on) - meter * 1_000 }],
  },
});
const expiry = (unread: number, hours: number | null) => ({
  expiry: [{ topic: 'interactions', unread, firstExpiresAt: hours === null ? null : endOf(on) + hours * hour }],
});
const overdue = (missing: number, dueSince: string | null) => ({
  statements: { missing, dueSince, oldestMonth: '2026-10' },
});

describe('operators hear', () => {
  it.each<[string, string, Partial<OperatorObservation>, number | null, Severity | null]>([
    ['nothing of no lag', 'consumer-lag-age', lag(0, null), 0, null],
    ['nothing of an age without records', 'consumer-lag-age', lag(0, 9_999), 0, null],
    ['nothing of a lag whose age is not known', 'consumer-lag-age', lag(9, null), 0, null],
    ['nothing of a short wait', 'consumer-lag-age', lag(9, 299), 299, null],
    ['of a wait of five minutes', 'consumer-lag-age', lag(9, 300), 300, 'warning'],
    ['of half an hour', 'consumer-lag-age', lag(9, 1_800), 1_800, 'critical'],
    ['nothing of few records', 'consumer-lag-records', lag(999_999, 1), 999_999, null],
    ['of many records', 'consumer-lag-records', lag(1_000_000, 1), 1_000_000, 'info'],
    ['nothing of no dead letters', 'dead-letters-number', letters(0, 9), 0, null],
    ['of one dead letter', 'dead-letters-number', letters(1, 9), 1, 'info'],
    ['of a hundred', 'dead-letters-number', letters(100, 900_000), 100, 'warning'],
    ['nothing of a share of nothing', 'dead-letters-share', letters(0, 0), 0, null],
    ['nothing of a share of a few', 'dead-letters-share', letters(99, 99), 1, null],
    ['nothing of a small share', 'dead-letters-share', letters(999, 100_000), 0.00999, null],
    ['of one in a hundred', 'dead-letters-share', letters(1_000, 100_000), 0.01, 'warning'],
    ['of one in ten', 'dead-letters-share', letters(100, 1_000), 0.1, 'critical'],
    ['nothing of fresh figures', 'stale-figures', fresh(60, 899), 899, null],
    ['of figures a quarter of an hour old', 'stale-figures', fresh(60, 900), 900, 'warning'],
    ['of a run an hour ago', 'stale-figures', fresh(3_600, null), 3_600, 'critical'],
    ['nothing of figures from a clock ahead', 'stale-figures', fresh(-60, null), 0, null],
    ['nothing of a ledger that adds up', 'ledger-mismatch', {}, 0, null],
    [
      'of one partition that does not',
      'ledger-mismatch',
      { ledger: { partitions: 3, unbalanced: [{ topic: 't', partition: 1 }] } },
      1,
      'critical',
    ],
    ['nothing where all is read', 'log-expiry', expiry(0, 1), null, null],
    ['nothing where nothing is deleted', 'log-expiry', expiry(9, null), null, null],
    ['nothing of a log with days left', 'log-expiry', expiry(9, 48.5), 48.5, null],
    ['of one with two days left', 'log-expiry', expiry(9, 48), 48, 'warning'],
    ['of one with half a day left', 'log-expiry', expiry(9, 12), 12, 'critical'],
    ['of one that deletes already', 'log-expiry', expiry(9, -5), 0, 'critical'],
    ['nothing of no statement missing', 'statements-overdue', overdue(0, '2026-11-01'), 0, null],
    ['nothing on the day it could be issued', 'statements-overdue', overdue(4, on), 0, null],
    ['of one that could be yesterday', 'statements-overdue', overdue(4, '2026-11-19'), 1, 'warning'],
    ['of one five days ago', 'statements-overdue', overdue(1, '2026-11-15'), 5, 'critical'],
  ])('%s', (_, rule, seen, value, severity) => {
    expect(found(rule, seen)).toMatchObject([{ period: on, value, severity }]);
  });

  test('nothing when all is well, nor of what could not be read', () => {
    expect(findingsOf(RULES, pipelineSeen(on)).filter(({ severity }) => severity !== null)).toEqual([]);
    const unread = { lag: null, deadLetters: null, figures: null, ledger: null, expiry: null, statements: null };
    expect(findingsOf(RULES, pipelineSeen(on, unread))).toEqual([]);
  });

  test('nothing of figures before the first run', () => {
    expect(found('stale-figures', fresh(null, null))).toEqual([]);
  });

  test('of each topic apart', () => {
    const topics = ['a', 'b'].map((topic, index) => ({ topic, records: 1, oldestAgeSeconds: index * 600 }));
    expect(found('consumer-lag-age', { lag: topics }).map(({ subject, severity }) => [subject, severity])).toEqual([
      ['a', null],
      ['b', 'warning'],
    ]);
  });
});
