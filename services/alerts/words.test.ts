import { expect, it } from 'vitest';
import { counted, daysBetween, duration, percent, weekdayOf } from './words.ts';

it.each([
  [0, '0 %'],
  [0.07, '7 %'],
  [0.29, '29 %'],
  [0.57, '57 %'],
  [0.7999, '79.9 %'],
  [0.8, '80 %'],
  [0.99999, '99.9 %'],
  [1.001, '100.1 %'],
  [1.1, '110 %'],
  [12.3456, '1,234.5 %'],
])('a share of %d is %s: cut, never rounded up', (share, text) => {
  expect(percent(share)).toBe(text);
});

it.each([
  [0, '0 seconds'],
  [1, '1 second'],
  [119.9, '119 seconds'],
  [120, '2 minutes'],
  [7_199, '119 minutes'],
  [7_200, '2 hours'],
  [172_799, '47 hours'],
  [172_800, '2 days'],
])('%d seconds are %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

it('counts days over months’ ends and leap days', () => {
  expect(daysBetween('2028-02-28', '2028-03-01')).toBe(2);
  expect(daysBetween('2026-02-28', '2026-03-01')).toBe(1);
  expect(daysBetween('2026-03-01', '2026-02-28')).toBe(-1);
  expect(weekdayOf('2028-02-29')).toBe('Tuesday');
  expect([counted(1, 'person', 'people'), counted(2_000, 'person', 'people')]).toEqual(['1 person', '2,000 people']);
});
