import { describe, expect, it, test } from 'vitest';
import {
  addDays,
  addMonths,
  addToMonth,
  dayOf,
  dayOfMonth,
  daysIn,
  firstDayOf,
  isDay,
  isMonth,
  monthOf,
} from './calendar.ts';

describe('dayOf', () => {
  it.each([
    [0, '1970-01-01'],
    [-1, '1969-12-31'],
    [86_399_999, '1970-01-01'],
    [86_400_000, '1970-01-02'],
    [Date.parse('2024-02-29T23:59:59.999Z'), '2024-02-29'],
    [Date.parse('2024-03-01T00:00:00.000Z'), '2024-03-01'],
    [Date.parse('2026-01-01T00:30:00+01:00'), '2025-12-31'],
  ])('of %i is %s', (epochMs, day) => {
    expect(dayOf(epochMs)).toBe(day);
  });
});

test.each([
  ['2024-02-28', 1, '2024-02-29'],
  ['2024-02-28', 2, '2024-03-01'],
  ['2025-02-28', 1, '2025-03-01'],
  ['2100-02-28', 1, '2100-03-01'],
  ['2000-02-28', 1, '2000-02-29'],
  ['2025-01-01', -1, '2024-12-31'],
  ['2025-12-31', 1, '2026-01-01'],
  ['2025-06-15', 0, '2025-06-15'],
  ['2025-03-30', 1, '2025-03-31'],
  ['2024-01-01', 366, '2025-01-01'],
])('%s and %i days is %s', (day, days, result) => {
  expect(addDays(day, days)).toBe(result);
});

test.each([
  ['2025-01-31', 1, '2025-02-28'],
  ['2024-01-31', 1, '2024-02-29'],
  ['2024-02-29', -12, '2023-02-28'],
  ['2024-02-29', 12, '2025-02-28'],
  ['2024-02-29', 48, '2028-02-29'],
  ['2025-02-28', -12, '2024-02-28'],
  ['2025-03-31', -1, '2025-02-28'],
  ['2025-05-31', 1, '2025-06-30'],
  ['2025-05-31', 2, '2025-07-31'],
  ['2025-12-31', 2, '2026-02-28'],
  ['2026-01-15', -1, '2025-12-15'],
  ['2026-01-15', -13, '2024-12-15'],
  ['2025-08-31', -18, '2024-02-29'],
  ['2025-06-15', 0, '2025-06-15'],
])('%s and %i months is %s', (day, months, result) => {
  expect(addMonths(day, months)).toBe(result);
});

test.each([
  ['2025-12', 1, '2026-01'],
  ['2025-01', -1, '2024-12'],
  ['2025-01', -25, '2022-12'],
  ['2025-06', 30, '2027-12'],
  ['2025-06', 0, '2025-06'],
])('%s and %i months is the month %s', (month, months, result) => {
  expect(addToMonth(month, months)).toBe(result);
});

test.each([
  ['2025-01', 31],
  ['2025-02', 28],
  ['2024-02', 29],
  ['2100-02', 28],
  ['2000-02', 29],
  ['2025-04', 30],
  ['2025-12', 31],
])('%s has %i days', (month, days) => {
  expect(daysIn(month)).toBe(days);
});

test('a day has its month, its number, and a month its first day', () => {
  expect([monthOf('2025-07-09'), dayOfMonth('2025-07-09'), firstDayOf('2025-07')]).toEqual([
    '2025-07',
    9,
    '2025-07-01',
  ]);
});

test('days follow one another over a whole leap cycle, month by month', () => {
  let day = '1999-12-31';
  for (let year = 2000; year < 2029; year++) {
    for (let month = 1; month <= 12; month++) {
      const name = `${year}-${String(month).padStart(2, '0')}`;
      for (let number = 1; number <= daysIn(name); number++) {
        day = addDays(day, 1);
        if (day !== `${name}-${String(number).padStart(2, '0')}`) expect.fail(`${day} is not ${name}-${number}`);
      }
    }
  }
  expect(day).toBe('2028-12-31');
});

test.each(['2025-01-01', '2024-02-29', '2025-12-31'])('%s is a day', (text) => {
  expect(isDay(text)).toBe(true);
});

test.each([
  '2025-02-29',
  '2025-04-31',
  '2025-13-01',
  '2025-00-10',
  '2025-01-00',
  '2025-1-1',
  '2025-01-01 ',
  '2025-01',
  '',
  'today',
])('%j is no day', (text) => {
  expect(isDay(text)).toBe(false);
});

test.each([
  ['2025-01', true],
  ['2025-12', true],
  ['2025-13', false],
  ['2025-00', false],
  ['2025-1', false],
  ['2025-01-01', false],
  ['', false],
])('%j is a month: %s', (text, is) => {
  expect(isMonth(text)).toBe(is);
});
