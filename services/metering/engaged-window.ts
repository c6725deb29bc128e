/**
 * Who is engaged on a day D: an entity with an interaction on a day L where `addMonths(D, -12) < L <= D`. After 12 months
 * without one it drops out. (Rules: "Engaged people".)
 */
import { addDays, addMonths, type Day, dayOfMonth, firstDayOf, monthOf } from './calendar.ts';

export interface EngagedWindow {
  /** First and last day that engage, both included. */
  first: Day;
  last: Day;
  /** First days of the first and the last month of the window. */
  firstMonth: Day;
  lastMonth: Day;
  /** Days of the first and the last month that engage: bit 0 is the 1st. */
  firstMask: number;
  lastMask: number;
}

/** All days of a month, whatever its length. */
export const WHOLE_MONTH_MASK = 0x7fffffff;

export function engagedWindow(day: Day): EngagedWindow {
  const first = addDays(addMonths(day, -12), 1);
  return {
    first,
    last: day,
    firstMonth: firstDayOf(monthOf(first)),
    lastMonth: firstDayOf(monthOf(day)),
    firstMask: (WHOLE_MONTH_MASK & ~(2 ** (dayOfMonth(first) - 1) - 1)) >>> 0,
    lastMask: 2 ** dayOfMonth(day) - 1,
  };
}
