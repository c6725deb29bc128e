import { describe, expect, it } from 'vitest';
import {
  GIVE_UP_AFTER_MS,
  nextAttemptAt,
  parseRetryAfter,
  RETRY_AFTER_MS_MAX,
  RETRY_WAITS_MS,
} from './retry-schedule.ts';

const NOW = Date.parse('2026-11-22T10:00:00Z');

describe('the schedule', () => {
  const walk = (random: () => number): number[] => {
    const waits: number[] = [];
    let now = NOW;
    for (let attempt = 1; ; attempt++) {
      const next = nextAttemptAt({ attempt, plannedAt: NOW, now, retryAfterMs: 0, random });
      if (next === undefined) return waits;
      waits.push(next - now);
      now = next;
    }
  };

  it('waits longer each time, and tries a last time when 24 hours are over', () => {
    const waits = walk(() => 0.5);
    expect(waits.slice(0, RETRY_WAITS_MS.length)).toEqual(RETRY_WAITS_MS);
    expect(waits.reduce((sum, wait) => sum + wait, 0)).toBe(GIVE_UP_AFTER_MS);
  });

  it.each([
    [0, 4_000],
    [0.999_999, 6_000],
  ])('differs by a fifth at most: random %s waits %s ms', (random, wait) => {
    expect(walk(() => random)[0]).toBe(wait);
  });

  it('waits as long as the receiver asks, never shorter than its own', () => {
    const next = (retryAfterMs: number) =>
      nextAttemptAt({ attempt: 1, plannedAt: NOW, now: NOW, retryAfterMs, random: () => 0.5 });
    expect(next(60_000)).toBe(NOW + 60_000);
    expect(next(1_000)).toBe(NOW + 5_000);
  });

  it('tries what is late once more, and then gives it up', () => {
    const late = { attempt: 3, plannedAt: NOW - GIVE_UP_AFTER_MS, now: NOW, retryAfterMs: 60_000, random: () => 0.5 };
    expect(nextAttemptAt(late)).toBeUndefined();
    expect(nextAttemptAt({ ...late, plannedAt: late.plannedAt + 1 })).toBe(NOW + 1);
  });
});

describe('Retry-After', () => {
  it.each([
    [undefined, 0],
    ['', 0],
    ['7', 7_000],
    [' 7 ', 7_000],
    ['0', 0],
    ['-7', 0],
    ['soon', 0],
    ['99999999999999999999', RETRY_AFTER_MS_MAX],
    ['Sun, 22 Nov 2026 10:02:00 GMT', 120_000],
    ['Sun, 22 Nov 2026 09:00:00 GMT', 0],
    ['Wed, 25 Nov 2026 10:00:00 GMT', RETRY_AFTER_MS_MAX],
  ])('%s is %s ms', (header, ms) => {
    expect(parseRetryAfter(header, NOW)).toBe(ms);
  });
});
