/**
 * What a tenant must buy: quota has to be owned for the peak of the licence year. (Rules: "True-up".)
 */
import { addMonths, addToMonth, type Day, type Month, monthOf } from './calendar.ts';
import { entitlementsOn, INTERACTIONS_PER_PERSON, interactionAllowance } from './entitlements.ts';
import type { LicenceLine } from './licence-lines.ts';

export interface DayUsage {
  day: Day;
  total: number;
}

export interface MonthUsage {
  month: Month;
  total: number;
}

/** Usage of the licence year's days and months so far, ascending; what has no entry is not looked at. */
export interface YearUsage {
  engaged: readonly DayUsage[];
  interactions: readonly MonthUsage[];
  unified: readonly DayUsage[];
}

export interface PeakOfDays {
  peak: number;
  /** The first day with it; null where nothing was used. */
  peakDay: Day | null;
  /** The largest number of people by which a day was over its quota. */
  shortfall: number;
  /** The first such day. */
  shortfallDay: Day | null;
}

export interface PeakOfMonths {
  peak: number;
  peakMonth: Month | null;
  /** People whose allowance would have covered the worst month. */
  shortfallPeople: number;
  shortfallMonth: Month | null;
}

export interface TrueUp {
  engaged: PeakOfDays;
  interactions: PeakOfMonths;
  unified: PeakOfDays;
  /** Engaged people to buy: the larger of the two shortfalls. */
  peopleToBuy: number;
  unifiedPeopleToBuy: number;
}

const YEAR_MONTHS = 12;

/** A licence year's first day, the first day after it, and its twelve months: the first is that in which it begins. */
export function licenceYear(startsOn: Day): { from: Day; until: Day; firstMonth: Month; lastMonth: Month } {
  const firstMonth = monthOf(startsOn);
  return {
    from: startsOn,
    until: addMonths(startsOn, YEAR_MONTHS),
    firstMonth,
    lastMonth: addToMonth(firstMonth, YEAR_MONTHS - 1),
  };
}

/** The true-up of a licence year from its usage. */
export function trueUp(lines: readonly LicenceLine[], usage: YearUsage): TrueUp {
  const engaged = peakOfDays(usage.engaged, (day) => entitlementsOn(lines, day).engagedPeople);
  const unified = peakOfDays(usage.unified, (day) => entitlementsOn(lines, day).unifiedPeople);
  const interactions = peakOfMonths(usage.interactions, (month) => interactionAllowance(lines, month));
  return {
    engaged,
    interactions,
    unified,
    peopleToBuy: Math.max(engaged.shortfall, interactions.shortfallPeople),
    unifiedPeopleToBuy: unified.shortfall,
  };
}

function peakOfDays(days: readonly DayUsage[], quotaOn: (day: Day) => number): PeakOfDays {
  const found: PeakOfDays = { peak: 0, peakDay: null, shortfall: 0, shortfallDay: null };
  for (const { day, total } of days) {
    if (total > found.peak) [found.peak, found.peakDay] = [total, day];
    const shortfall = total - quotaOn(day);
    if (shortfall > found.shortfall) [found.shortfall, found.shortfallDay] = [shortfall, day];
  }
  return found;
}

function peakOfMonths(months: readonly MonthUsage[], allowanceOf: (month: Month) => number): PeakOfMonths {
  const found: PeakOfMonths = { peak: 0, peakMonth: null, shortfallPeople: 0, shortfallMonth: null };
  for (const { month, total } of months) {
    if (total > found.peak) [found.peak, found.peakMonth] = [total, month];
    const shortfall = Math.ceil((total - allowanceOf(month)) / INTERACTIONS_PER_PERSON);
    if (shortfall > found.shortfallPeople) [found.shortfallPeople, found.shortfallMonth] = [shortfall, month];
  }
  return found;
}
