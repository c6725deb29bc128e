/**
 * Who is engaged on a day D: an entity with an interaction on a day L where `addMonths(D, -12) < L <= D`. After 12 months
 * without one it drops out. (Rules: "Engaged people".)
 */
import { addDays, addMonths, type Day, dayOfMonth } from './calendar.ts';

const WINDOW_MONTHS = 12;

/** First and last day that engage on a day, both included. */
export function engagedWindow(day: Day): { first: Day; last: Day } {
  return { first: addDays(addMonths(day, -WINDOW_MONTHS), 1), last: day };
}

/** The first day after an interaction's on which it engages no more. */
export function engagedUntil(day: Day): Day {
  const until = addMonths(day, WINDOW_MONTHS);
  // 29 February engages on 28 February a year later: a day that was cut to a shorter month lies before.
  return addMonths(until, -WINDOW_MONTHS) >= day ? until : addDays(until, 1);
}

/** Days of a month as bits: bit 0 is the 1st. All of them, whatever the month's length. */
export const WHOLE_MONTH_MASK = 0x7fffffff;

/** The days of a month from this one on. */
export function maskFrom(day: Day): number {
  return (WHOLE_MONTH_MASK & ~(2 ** (dayOfMonth(day) - 1) - 1)) >>> 0;
}

/** The days of a month up to this one, included. */
export function maskUpTo(day: Day): number {
  return 2 ** dayOfMonth(day) - 1;
}

/**
 * The longest range of days that begins with `first` in which nobody drops out after an interaction within it, both days
 * included: a year.
 */
export function lastDayWithoutDropout(first: Day): Day {
  return addMonths(first, WINDOW_MONTHS);
}
