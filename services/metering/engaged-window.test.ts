import { describe, expect, it } from 'vitest';
import { addDays, addMonths, type Day, dayOfMonth, firstDayOf, monthOf } from './calendar.ts';
import { type EngagedWindow, engagedWindow, WHOLE_MONTH_MASK } from './engaged-window.ts';

/** What the tables ask: does a day's bit count, its month being first, last or in between? */
function engages(window: EngagedWindow, day: Day): boolean {
  const month = firstDayOf(monthOf(day));
  if (month < window.firstMonth || month > window.lastMonth) return false;
  let mask = WHOLE_MONTH_MASK;
  if (month === window.firstMonth) mask &= window.firstMask;
  if (month === window.lastMonth) mask &= window.lastMask;
  return (mask & (1 << (dayOfMonth(day) - 1))) !== 0;
}

/** All days from one to another, both included. */
function days(first: Day, last: Day): Day[] {
  const all: Day[] = [];
  for (let day = first; day <= last; day = addDays(day, 1)) all.push(day);
  return all;
}

describe('engagedWindow', () => {
  it('holds exactly the days after the same day a year before, for every day of six years', () => {
    const all = days('2021-11-01', '2029-02-28');
    for (const [index, day] of all.entries()) {
      if (day < '2023-01-01' || day > '2028-12-31') continue;
      const window = engagedWindow(day);
      const after = addMonths(day, -12);
      for (const candidate of all.slice(index - 400, index + 34)) {
        const expected = after < candidate && candidate <= day;
        if (engages(window, candidate) !== expected) expect.fail(`on ${day}, ${candidate} engages: ${!expected}`);
      }
      if (window.first !== addDays(after, 1) || window.last !== day)
        expect.fail(`the window of ${day} is named wrongly`);
    }
  });

  it.each([
    ['2025-06-15', '2024-06-16', '2024-06-01', '2025-06-01'],
    ['2025-01-31', '2024-02-01', '2024-02-01', '2025-01-01'],
    ['2025-02-28', '2024-02-29', '2024-02-01', '2025-02-01'],
    ['2024-02-29', '2023-03-01', '2023-03-01', '2024-02-01'],
    ['2024-02-28', '2023-03-01', '2023-03-01', '2024-02-01'],
    ['2025-03-01', '2024-03-02', '2024-03-01', '2025-03-01'],
    ['2025-12-31', '2025-01-01', '2025-01-01', '2025-12-01'],
  ])('on %s begins on %s', (day, first, firstMonth, lastMonth) => {
    expect(engagedWindow(day)).toMatchObject({ first, last: day, firstMonth, lastMonth });
  });

  it.each([
    ['2025-06-01', 0x7ffffffe, 0x00000001],
    ['2025-06-02', 0x7ffffffc, 0x00000003],
    ['2025-07-31', 0x7fffffff, 0x7fffffff],
    ['2025-07-30', 0x40000000, 0x3fffffff],
  ])('on %s masks the two edge months', (day, firstMask, lastMask) => {
    expect(engagedWindow(day)).toMatchObject({ firstMask, lastMask });
  });
});
