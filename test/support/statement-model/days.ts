/**
 * The calendar of the model: a list of all days there are, each known by its place in it. What other code works out, is
 * looked up here.
 */

/** Place of a day in the list of days. */
export type DayNumber = number;

const FIRST_YEAR = 2015;
const LAST_YEAR = 2035;
const MS_PER_DAY = 86_400_000;
/** Days from 1970-01-01 to the first of the list: 45 years, 11 of them leap years. */
const DAYS_BEFORE = 45 * 365 + 11;

const LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const DAYS: string[] = [];
const NUMBERS = new Map<string, DayNumber>();
const MONTHS: string[] = [];
const DAYS_OF_MONTH = new Map<string, DayNumber[]>();

for (let year = FIRST_YEAR; year <= LAST_YEAR; year++) {
  for (const [index, length] of LENGTHS.entries()) {
    const month = `${year}-${String(index + 1).padStart(2, '0')}`;
    const days: DayNumber[] = [];
    const last = index === 1 && year % 4 === 0 ? 29 : length;
    for (let day = 1; day <= last; day++) {
      const text = `${month}-${String(day).padStart(2, '0')}`;
      NUMBERS.set(text, DAYS.length);
      days.push(DAYS.length);
      DAYS.push(text);
    }
    MONTHS.push(month);
    DAYS_OF_MONTH.set(month, days);
  }
}

/** Throws RangeError for what is no day of the list. */
export function dayNumber(text: string): DayNumber {
  const number = NUMBERS.get(text);
  if (number === undefined) throw new RangeError(`${text} is not a day of the model`);
  return number;
}

export function dayText(day: DayNumber): string {
  const text = DAYS[day];
  if (text === undefined) throw new RangeError(`day ${day} is not a day of the model`);
  return text;
}

/** The UTC day of a moment, milliseconds since 1970-01-01. */
export function dayAt(epochMs: number): DayNumber {
  return Math.floor(epochMs / MS_PER_DAY) - DAYS_BEFORE;
}

/** The first moment of a day, milliseconds since 1970-01-01. */
export function startOf(day: DayNumber): number {
  return (day + DAYS_BEFORE) * MS_PER_DAY;
}

export function monthOfDay(day: DayNumber): string {
  return dayText(day).slice(0, 7);
}

/** All days of a month, ascending. */
export function daysOfMonth(month: string): readonly DayNumber[] {
  const days = DAYS_OF_MONTH.get(month);
  if (!days) throw new RangeError(`${month} is not a month of the model`);
  return days;
}

export function firstDayOfMonth(month: string): DayNumber {
  return Math.min(...daysOfMonth(month));
}

export function lastDayOfMonth(month: string): DayNumber {
  return Math.max(...daysOfMonth(month));
}

/** The month so many months later, earlier when below 0. */
export function monthsLater(month: string, months: number): string {
  const later = MONTHS[MONTHS.indexOf(month) + months];
  if (later === undefined) throw new RangeError(`${months} months after ${month} is not in the model`);
  return later;
}

/** All months from one to another, both included. */
export function monthsBetween(first: string, last: string): string[] {
  return MONTHS.slice(MONTHS.indexOf(first), MONTHS.indexOf(last) + 1);
}

/** The same day so many years later, earlier when below 0; 28 February where the 29th is missing. */
export function yearsLater(day: DayNumber, years: number): DayNumber {
  const [year = '', month = '', dayOfMonth = ''] = dayText(day).split('-');
  const other = `${Number(year) + years}-${month}`;
  return NUMBERS.get(`${other}-${dayOfMonth}`) ?? lastDayOfMonth(other);
}
