/**
 * The licence year in which a day lies: twelve months from the licence's start day, and again from every twelve months
 * after it. (Rules: "True-up".)
 */
import { addMonths, type Day } from './calendar.ts';
import { productOf } from './catalogue.ts';
import { inForceOn } from './checked-lines.ts';
import type { LicenceLine } from './licence-lines.ts';

const YEAR_MONTHS = 12;

/**
 * The year's first day and the first day after it, by the earliest line in force on the day that is no trial; null where
 * there is none. A year that begins on 29 February begins on the 28th of a year that has no 29th, and on the 29th again
 * where there is one: every day is in exactly one year.
 */
export function licenceYearOn(lines: readonly LicenceLine[], on: Day): { from: Day; until: Day } | null {
  const start = lines
    .filter((line) => inForceOn(line, on) && productOf(line.sku)?.trial !== true)
    .map(({ startsOn }) => startsOn)
    .sort()[0];
  if (start === undefined) return null;
  let years = 0;
  while (addMonths(start, (years + 1) * YEAR_MONTHS) <= on) years++;
  return { from: addMonths(start, years * YEAR_MONTHS), until: addMonths(start, (years + 1) * YEAR_MONTHS) };
}
