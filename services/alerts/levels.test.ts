import { describe, expect, it } from 'vitest';
import type { Severity } from './alert.ts';
import { type Ladder, severityOf, thresholdOf } from './levels.ts';

const shares: Ladder = { worse: 'above', levels: { info: 0.8, warning: 0.9, critical: 1 }, hysteresis: 0.02 };
const days: Ladder = { worse: 'below', levels: { info: 45, warning: 14 }, hysteresis: 0.25 };

describe('the severity of a share', () => {
  it.each<[number | null, held: Severity | null, Severity | null]>([
    [null, null, null],
    [null, 'critical', null],
    [0.7999, null, null],
    [0.8, null, 'info'],
    [0.9, null, 'warning'],
    [1, null, 'critical'],
    // 0.8 less a fiftieth is 0.784.
    [0.784, 'info', 'info'],
    [0.7839, 'info', null],
    [0.8999, 'info', 'info'],
    [0.9, 'info', 'warning'],
    [0.882, 'warning', 'warning'],
    [0.8819, 'warning', 'info'],
    [0.784, 'warning', 'info'],
    [0.98, 'critical', 'critical'],
    [0.9799, 'critical', 'warning'],
    [0.881, 'critical', 'info'],
    [0.1, 'critical', null],
  ])('%d, held %s, is %s', (value, held, severity) => {
    expect(severityOf(shares, value, held)).toBe(severity);
  });
});

describe('the severity of days left', () => {
  it.each<[number, held: Severity | null, Severity | null]>([
    [46, null, null],
    [45, null, 'info'],
    [14, null, 'warning'],
    [0, null, 'warning'],
    [17.5, 'warning', 'warning'],
    [18, 'warning', 'info'],
    [56.25, 'info', 'info'],
    [57, 'info', null],
    [57, 'warning', null],
  ])('%d, held %s, is %s', (value, held, severity) => {
    expect(severityOf(days, value, held)).toBe(severity);
  });
});

it('is exact at every level less its hysteresis, whatever their binary form', () => {
  const wrong: string[] = [];
  for (let threshold = 1; threshold <= 200; threshold++) {
    for (let percent = 0; percent < 100; percent++) {
      const ladder: Ladder = { worse: 'above', levels: { info: threshold / 100 }, hysteresis: percent / 100 };
      const bound = (threshold * (100 - percent)) / 10_000;
      const [at, below] = [bound, bound - 1e-6].map((value) => severityOf(ladder, value, 'info'));
      if (at !== 'info' || below !== null) wrong.push(`${threshold} ${percent}`);
    }
  }
  expect(wrong).toEqual([]);
});

it('goes to the next level below where rules have left out the one held', () => {
  const ladder: Ladder = { worse: 'above', levels: { info: 0.5, critical: 1 }, hysteresis: 0.1 };
  expect(severityOf(ladder, 0.95, 'warning')).toBe('info');
  expect(severityOf(ladder, 0.45, 'warning')).toBe('info');
  expect(severityOf(ladder, 0.44, 'warning')).toBeNull();
});

it('has the threshold of a severity, or the first one', () => {
  expect(thresholdOf(shares, 'warning')).toBe(0.9);
  expect(thresholdOf(shares, null)).toBe(0.8);
  expect(thresholdOf(days, 'critical')).toBe(45);
});
