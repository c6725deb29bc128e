/**
 * Days and months in UTC. A day is `YYYY-MM-DD`, a month `YYYY-MM`; both compare as text.
 */

export type Day = string;
export type Month = string;

const MS_PER_DAY = 86_400_000;

/** The UTC day of a moment, milliseconds since 1970-01-01. */
export function dayOf(epochMs: number): Day {
  return new Date(epochMs).toISOString().slice(0, 10);
}

export function monthOf(day: Day): Month {
  return day.slice(0, 7);
}

export function firstDayOf(month: Month): Day {
  return `${month}-01`;
}

export function lastDayOf(month: Month): Day {
  return addDays(firstDayOf(addToMonth(month, 1)), -1);
}

/** 1 to 31. */
export function dayOfMonth(day: Day): number {
  return Number(day.slice(8, 10));
}

export function addDays(day: Day, days: number): Day {
  return dayOf(Date.parse(`${day}T00:00:00Z`) + days * MS_PER_DAY);
}

export function addToMonth(month: Month, months: number): Month {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return new Date(Date.UTC(year, number - 1 + months, 1)).toISOString().slice(0, 7);
}

export function daysIn(month: Month): number {
  return dayOfMonth(lastDayOf(month));
}

/** The same day of another month, or that month's last day when it is shorter. */
export function addMonths(day: Day, months: number): Day {
  const month = addToMonth(monthOf(day), months);
  return `${month}-${String(Math.min(dayOfMonth(day), daysIn(month))).padStart(2, '0')}`;
}

/** Whether text is a day that exists. */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const at = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(at) && dayOf(at) === text;
}

/** Whether text is a month that exists. */
export function isMonth(text: string): boolean {
  return /^\d{4}-(0[1-9]|1[0-2])$/.test(text);
}
