/**
 * The calendar of the recount, in whole days since 1970-01-01 and months since year 0, both UTC. By arithmetic alone
 * (days since 1 March of year 0, as in Howard Hinnant's “chrono-compatible low-level date algorithms”).
 */
const MS_PER_DAY = 86_400_000;
const DAYS_PER_ERA = 146_097; // 400 years
const DAYS_BEFORE_1970 = 719_468; // from 0000-03-01

/** The day of a moment. */
export function dayAt(epochMs: number): number {
  return Math.floor(epochMs / MS_PER_DAY);
}

/** The month that a day is in: year · 12 + 0 to 11. */
export function monthOfDay(day: number): number {
  return civil(day).month;
}

/** The first day of a month. */
export function firstDay(month: number): number {
  const year = Math.floor(month / 12);
  const fromMarch = (month - year * 12 + 10) % 12;
  const shifted = fromMarch >= 10 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * fromMarch + 2) / 5);
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * DAYS_PER_ERA + dayOfEra - DAYS_BEFORE_1970;
}

/** The last day of a month. */
export function lastDay(month: number): number {
  return firstDay(month + 1) - 1;
}

/** The day a year before, or the last of its month where that is shorter: an interaction on it engages no longer. */
export function yearBefore(day: number): number {
  const { month, dayOfMonth } = civil(day);
  return Math.min(firstDay(month - 12) + dayOfMonth - 1, lastDay(month - 12));
}

/** `YYYY-MM`. */
export function monthText(month: number): string {
  const year = Math.floor(month / 12);
  return `${String(year).padStart(4, '0')}-${String(month - year * 12 + 1).padStart(2, '0')}`;
}

/** `YYYY-MM-DD`. */
export function dayText(day: number): string {
  const { month, dayOfMonth } = civil(day);
  return `${monthText(month)}-${String(dayOfMonth).padStart(2, '0')}`;
}

function civil(day: number): { month: number; dayOfMonth: number } {
  const shifted = day + DAYS_BEFORE_1970;
  const era = Math.floor(shifted / DAYS_PER_ERA);
  const ofEra = shifted - era * DAYS_PER_ERA;
  const yearOfEra = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  );
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const fromMarch = Math.floor((5 * ofYear + 2) / 153);
  const dayOfMonth = ofYear - Math.floor((153 * fromMarch + 2) / 5) + 1;
  return { month: (era * 400 + yearOfEra) * 12 + fromMarch + 2, dayOfMonth };
}
