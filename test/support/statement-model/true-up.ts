/**
 * The true-up of a licence year so far, in the model.
 */
import { type DayNumber, dayNumber, dayText, monthOfDay, monthsBetween, yearsLater } from './days.ts';
import { allowanceOf, isInForce, ownedOn } from './owned.ts';
import type { ModelLine } from './steps.ts';

interface PeakOfDays {
  peak: number;
  peakDay: string | null;
  shortfall: number;
  shortfallDay: string | null;
}

export interface ModelTrueUp {
  from: string;
  until: string;
  engagedPeople: PeakOfDays;
  interactions: {
    peak: number;
    peakMonth: string | null;
    shortfallPeople: number;
    shortfallMonth: string | null;
  };
  unifiedPeople: PeakOfDays;
  peopleToBuy: number;
  unifiedPeopleToBuy: number;
}

/** A tenant's use, as far as it is known; undefined for a day of which nothing is. */
export interface Use {
  engaged: (day: DayNumber) => number;
  unified: (day: DayNumber) => number | undefined;
  interactions: (month: string) => number;
}

/** The first day of the licence year that a day lies in, or undefined on a day without a licence. */
export function licenceYearOf(lines: readonly ModelLine[], day: DayNumber): DayNumber | undefined {
  const starts = lines.filter((line) => line.sku !== 'trial' && isInForce(line, day)).map(({ startsOn }) => startsOn);
  if (starts.length === 0) return undefined;
  const start = Math.min(...starts.map(dayNumber));
  let years = 0;
  while (yearsLater(start, years + 1) <= day) years++;
  return yearsLater(start, years);
}

/** The year that begins on `from`, up to `last`, both included. */
export function trueUpOf(
  lines: readonly ModelLine[],
  use: Use,
  { from, last }: { from: DayNumber; last: DayNumber },
): ModelTrueUp {
  const until = yearsLater(from, 1);
  const days: DayNumber[] = [];
  for (let day = from; day <= last && day < until; day++) days.push(day);
  const engagedPeople = peakOfDays(days, use.engaged, (day) => ownedOn(lines, day).engaged);
  const unifiedPeople = peakOfDays(days, use.unified, (day) => ownedOn(lines, day).unified);
  // A year that begins within a month has all of that month, and eleven more.
  const months = monthsBetween(monthOfDay(from), monthOfDay(last)).slice(0, 12);
  const interactions = { peak: 0, ...NO_MONTHS };
  for (const month of months) {
    const used = use.interactions(month);
    if (used > interactions.peak) Object.assign(interactions, { peak: used, peakMonth: month });
    const people = Math.ceil((used - allowanceOf(lines, month)) / 10);
    if (people > interactions.shortfallPeople) {
      Object.assign(interactions, { shortfallPeople: people, shortfallMonth: month });
    }
  }
  return {
    from: dayText(from),
    until: dayText(until),
    engagedPeople,
    interactions,
    unifiedPeople,
    peopleToBuy: Math.max(engagedPeople.shortfall, interactions.shortfallPeople),
    unifiedPeopleToBuy: unifiedPeople.shortfall,
  };
}

const NO_MONTHS: Omit<ModelTrueUp['interactions'], 'peak'> = {
  peakMonth: null,
  shortfallPeople: 0,
  shortfallMonth: null,
};

function peakOfDays(
  days: readonly DayNumber[],
  usedOn: (day: DayNumber) => number | undefined,
  owned: (day: DayNumber) => number,
): PeakOfDays {
  const used = days.map((day) => usedOn(day) ?? 0);
  const missing = days.map((day, index) => (used[index] ?? 0) - owned(day));
  const [peak, shortfall] = [Math.max(0, ...used), Math.max(0, ...missing)];
  const first = (values: readonly number[], value: number): string | null =>
    value === 0 ? null : dayText(days[values.indexOf(value)] ?? 0);
  return { peak, peakDay: first(used, peak), shortfall, shortfallDay: first(missing, shortfall) };
}
