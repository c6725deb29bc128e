/**
 * The simulator's own calendar: UTC, days and months as whole numbers, no Date. It repeats on purpose what the metering
 * of the product knows, so that a mistake there does not also sit in the truth it is compared with.
 */
export const DAY_MS = 86_400_000;

/** Days from 1970-01-01 to the UTC day that holds the instant (milliseconds since 1970). */
export function dayOf(epochMs: number): number {
  return Math.floor(epochMs / DAY_MS);
}

/** Months from January of year 0 to the month that holds the day. */
export function monthOf(day: number): number {
  const { year, month } = civilOf(day);
  return year * 12 + month - 1;
}

/** The first day of a month. */
export function firstDayOf(month: number): number {
  return dayNumber(Math.floor(month / 12), (month % 12) + 1, 1);
}

/** `YYYY-MM`. */
export function monthText(month: number): string {
  return `${String(Math.floor(month / 12)).padStart(4, '0')}-${String((month % 12) + 1).padStart(2, '0')}`;
}

/** `YYYY-MM-DD`. */
export function dayText(day: number): string {
  const month = monthOf(day);
  return `${monthText(month)}-${String(day - firstDayOf(month) + 1).padStart(2, '0')}`;
}

/** The day that `YYYY-MM-DD` names. Throws RangeError on anything else, and on days that no calendar has. */
export function parseDay(text: string): number {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (!parts) throw new RangeError(`not a day as YYYY-MM-DD: ${text}`);
  const [year, month, dayOfMonth] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  const day = dayNumber(year, month, dayOfMonth);
  const back = civilOf(day);
  if (back.year !== year || back.month !== month || back.dayOfMonth !== dayOfMonth) {
    throw new RangeError(`no such day: ${text}`);
  }
  return day;
}

/** The same day so many months later (earlier when negative), at most that month's last day. LICENSING: `addMonths`. */
export function addMonths(day: number, months: number): number {
  const target = monthOf(day) + months;
  const length = firstDayOf(target + 1) - firstDayOf(target);
  return firstDayOf(target) + Math.min(civilOf(day).dayOfMonth, length) - 1;
}

/*
 * Howard Hinnant's "chrono-compatible low-level date algorithms": years begin in March, so that a leap day is the last
 * day of a year; 146,097 days make an era of 400 years, and 719,468 lie between 0000-03-01 and 1970-01-01.
 */
function dayNumber(year: number, month: number, dayOfMonth: number): number {
  const marchYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + dayOfMonth - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function civilOf(day: number): { year: number; month: number; dayOfMonth: number } {
  const shifted = day + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const leaps = -Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra + leaps) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    dayOfMonth: dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1,
  };
}
