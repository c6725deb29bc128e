import { describe, expect, it } from 'vitest';
import { addDays, addMonths, type Day, dayOfMonth } from './calendar.ts';
import { engagedUntil, engagedWindow, lastDayWithoutDropout, maskFrom, maskUpTo } from './engaged-window.ts';

/** All days from one to another, both included. */
function days(first: Day, last: Day): Day[] {
  const all: Day[] = [];
  for (let day = first; day <= last; day = addDays(day, 1)) all.push(day);
  return all;
}

const SIX_YEARS = days('2023-01-01', '2028-12-31');

describe('engagedWindow', () => {
  it('begins the day after the same day a year before, for every day of six years', () => {
    for (const day of SIX_YEARS) {
      expect(engagedWindow(day)).toEqual({ first: addDays(addMonths(day, -12), 1), last: day });
    }
  });

  it.each([
    ['2025-06-15', '2024-06-16'],
    ['2025-01-31', '2024-02-01'],
    ['2025-02-28', '2024-02-29'],
    ['2024-02-29', '2023-03-01'],
    ['2024-02-28', '2023-03-01'],
    ['2025-03-01', '2024-03-02'],
    ['2025-12-31', '2025-01-01'],
  ])('on %s begins on %s', (day, first) => {
    expect(engagedWindow(day)).toEqual({ first, last: day });
  });
});

describe('engagedUntil', () => {
  it('is the first day whose window the interaction has left, for every day of six years', () => {
    for (const day of SIX_YEARS) {
      const until = engagedUntil(day);
      expect([day, engagedWindow(addDays(until, -1)).first <= day, engagedWindow(until).first > day]).toEqual([
        day,
        true,
        true,
      ]);
    }
  });

  it.each([
    ['2025-06-15', '2026-06-15'],
    ['2024-02-29', '2025-03-01'],
    ['2023-02-28', '2024-02-28'],
    ['2023-03-01', '2024-03-01'],
    ['2024-12-31', '2025-12-31'],
  ])('of %s is %s', (day, until) => {
    expect(engagedUntil(day)).toBe(until);
  });
});

describe('lastDayWithoutDropout', () => {
  it('is the last day on which the day after the first still engages, for every day of six years', () => {
    for (const first of SIX_YEARS) {
      const dropsOut = engagedUntil(addDays(first, 1));
      expect([first, lastDayWithoutDropout(first) < dropsOut]).toEqual([first, true]);
    }
  });
});

describe('masks', () => {
  it.each([
    ['2025-06-01', 0x7fffffff, 0x00000001],
    ['2025-06-02', 0x7ffffffe, 0x00000003],
    ['2025-07-30', 0x60000000, 0x3fffffff],
    ['2025-07-31', 0x40000000, 0x7fffffff],
  ])('of %s hold the days from it on, and those up to it', (day, from, upTo) => {
    expect([maskFrom(day), maskUpTo(day)]).toEqual([from, upTo]);
    expect(maskFrom(day) & maskUpTo(day)).toBe(1 << (dayOfMonth(day) - 1));
  });
});
