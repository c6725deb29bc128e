import { describe, expect, it } from 'vitest';
import { dayAt, dayText, firstDay, lastDay, monthOfDay, monthText, yearBefore } from './days.ts';

const day = (text: string): number => Date.parse(`${text}T00:00:00Z`) / 86_400_000;

describe('the recount’s calendar', () => {
  it('agrees with Date on every day from 1999 to 2101', () => {
    const differing: string[] = [];
    for (let at = day('1999-01-01'); at < day('2101-01-01'); at++) {
      const text = new Date(at * 86_400_000).toISOString().slice(0, 10);
      const month = monthOfDay(at);
      if (dayText(at) !== text || monthText(month) !== text.slice(0, 7)) differing.push(text);
      if (dayText(firstDay(month)) !== `${text.slice(0, 7)}-01`) differing.push(`first day of ${text}`);
    }
    expect(differing).toEqual([]);
  });

  it.each([
    ['2015-01-01T00:00:00.000Z', '2015-01-01'],
    ['2026-02-28T23:59:59.999Z', '2026-02-28'],
    ['1969-12-31T23:59:59.999Z', '1969-12-31'],
  ])('puts %s on %s', (moment, expected) => {
    expect(dayText(dayAt(Date.parse(moment)))).toBe(expected);
  });

  it.each([
    ['2023-02', '2023-02-28'],
    ['2024-02', '2024-02-29'],
    ['2100-02', '2100-02-28'],
    ['2026-12', '2026-12-31'],
  ])('ends %s on %s', (month, expected) => {
    expect(dayText(lastDay(monthOfDay(day(`${month}-01`))))).toBe(expected);
  });

  it.each([
    ['2026-06-15', '2025-06-15'],
    ['2025-02-28', '2024-02-28'],
    ['2024-02-29', '2023-02-28'],
    ['2025-03-01', '2024-03-01'],
    ['2026-01-31', '2025-01-31'],
  ])('is a year before %s on %s', (of, expected) => {
    expect(dayText(yearBefore(day(of)))).toBe(expected);
  });
});
