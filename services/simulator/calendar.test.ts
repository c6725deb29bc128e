import { expect, test } from 'vitest';
import { addMonths, DAY_MS, dayOf, firstDayOf, monthOf, monthText, parseDay } from './calendar.ts';

test('every day from 1970 to 2110 is named as the platform’s Date names it', () => {
  for (let day = 0; day < 140 * 366; day++) {
    const text = new Date(day * DAY_MS).toISOString();
    const isSame = parseDay(text.slice(0, 10)) === day && monthText(monthOf(day)) === text.slice(0, 7);
    if (!isSame) expect.fail(`day ${day} is ${text}`);
  }
});

test.each([
  ['2025-03-31', -1, '2025-02-28'],
  ['2024-03-31', -1, '2024-02-29'],
  ['2024-02-29', -12, '2023-02-28'],
  ['2025-02-28', -12, '2024-02-28'],
  ['2025-12-31', 2, '2026-02-28'],
  ['2026-01-15', -1, '2025-12-15'],
])('%s and %i months is %s', (from, months, to) => {
  expect(addMonths(parseDay(from), months)).toBe(parseDay(to));
});

test.each(['2025-02-29', '2025-13-01', '2025-00-10', '2025-1-1', 'today'])('%s is no day', (text) => {
  expect(() => parseDay(text)).toThrow(RangeError);
});

test('the last millisecond of a month belongs to it', () => {
  const next = firstDayOf(monthOf(parseDay('2026-05-10')) + 1) * DAY_MS;
  expect(monthText(monthOf(dayOf(next - 1)))).toBe('2026-05');
  expect(monthText(monthOf(dayOf(next)))).toBe('2026-06');
});
