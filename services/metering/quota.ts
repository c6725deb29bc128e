/**
 * How much of a quota is used, and when it will be reached at the pace so far. (Rules: "Quotas".)
 */
import { addDays, type Day, dayOfMonth, daysIn, firstDayOf, lastDayOf, type Month, monthOf } from './calendar.ts';
import type { DayUsage } from './true-up.ts';

export interface Quota {
  owned: number;
  used: number;
  /** Never below 0. */
  remaining: number;
  /** What is used beyond what is owned. */
  overage: number;
  /** Used of owned, 1 for all of it; null where nothing is owned. */
  share: number | null;
}

export function quotaOf(owned: number, used: number): Quota {
  return {
    owned,
    used,
    remaining: Math.max(0, owned - used),
    overage: Math.max(0, used - owned),
    share: owned === 0 ? null : used / owned,
  };
}

export interface MonthOutlook {
  /** Interactions at the month's end; null for a month to come. */
  projected: number | null;
  /** The day on which the month's usage reached what is owned, or will at this pace; null if it will not. */
  reachedOn: Day | null;
}

/**
 * Where a month is heading: what was used up to `on`, divided by the days up to it, times the days of the month; a month
 * that is over has what it has. A day that has begun counts as a whole one.
 * @param days the month's days with usage, ascending
 */
export function monthOutlook(asked: {
  month: Month;
  days: readonly DayUsage[];
  owned: number;
  on: Day;
  today: Day;
}): MonthOutlook {
  const { month, days, owned, on, today } = asked;
  const used = days.reduce((sum, { total }) => sum + total, 0);
  if (month > monthOf(today)) return { projected: null, reachedOn: null };
  const reached = firstDayAt(days, owned);
  if (month < monthOf(today)) return { projected: used, reachedOn: reached };
  const upTo = on < today ? on : today;
  const gone = dayOfMonth(upTo);
  const soFar = days.reduce((sum, { day, total }) => sum + (day <= upTo ? total : 0), 0);
  // What is known of the days after it is at least what there will be.
  const projected = Math.max(used, Math.round((soFar * daysIn(month)) / gone));
  if (reached !== null || owned === 0 || projected < owned) return { projected, reachedOn: reached };
  const atPace = addDays(firstDayOf(month), Math.ceil((owned * gone) / soFar) - 1);
  const last = lastDayOf(month);
  return { projected, reachedOn: atPace < today ? today : atPace > last ? last : atPace };
}

/** The first day on which all of it is used. */
function firstDayAt(days: readonly DayUsage[], owned: number): Day | null {
  if (owned === 0) return null;
  let used = 0;
  for (const { day, total } of days) {
    used += total;
    if (used >= owned) return day;
  }
  return null;
}

/** Four whole weeks, so that what weekends do to a pace is in it as often as anything else. */
export const PACE_DAYS = 28;
/** Less history is no pace. */
const PACE_DAYS_MIN = 7;
/** A quota that lasts for longer is not said to be reached. */
const HORIZON_DAYS_MAX = 366;

/**
 * The day on which people reached what is owned, or will if their number goes on growing as in the days before `on`; null
 * if it does not grow, if that takes more than a year, or if it was reached before those days.
 * @param curve up to `on`, ascending, every day
 * @param ownedOn what is owned on a day
 */
export function peopleReachedOn(curve: readonly DayUsage[], ownedOn: (day: Day) => number): Day | null {
  const [first, last] = [curve[0], curve.at(-1)];
  if (!first || !last) return null;
  const owned = ownedOn(last.day);
  if (owned === 0) return null;
  if (last.total >= owned) {
    const before = curve.findLastIndex(({ day, total }) => total < ownedOn(day));
    return curve[before + 1]?.day === first.day ? null : (curve[before + 1]?.day ?? null);
  }
  // Before there was anybody there was no pace: those days are no history.
  const begun = Math.max(
    0,
    curve.findIndex(({ total }) => total > 0),
  );
  const days = curve.length - 1 - begun;
  const growth = last.total - (curve[begun]?.total ?? 0);
  if (days < PACE_DAYS_MIN || growth <= 0) return null;
  const left = Math.ceil(((owned - last.total) * days) / growth);
  return left > HORIZON_DAYS_MAX ? null : addDays(last.day, left);
}
