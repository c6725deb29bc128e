/**
 * The licence year in which a day lies: twelve months from the licence's start day, and again from every twelve months
 * after it. (Rules: "True-up".)
 */
import { addMonths, type Day } from './calendar.ts';
import { productOf } from './catalogue.ts';
import { inForceOn } from './checked-lines.ts';
import type { LicenceLine } from './licence-lines.ts';

const YEAR_MONTHS = 12;

/** First day of the year, by the earliest line in force on the day that is no trial; null where there is none. */
export function licenceYearStart(lines: readonly LicenceLine[], on: Day): Day | null {
  const start = lines
    .filter((line) => inForceOn(line, on) && productOf(line.sku)?.trial !== true)
    .map(({ startsOn }) => startsOn)
    .sort()[0];
  if (start === undefined) return null;
  let years = 0;
  while (addMonths(start, (years + 1) * YEAR_MONTHS) <= on) years++;
  return addMonths(start, years * YEAR_MONTHS);
}
