/**
 * What earlier statements said too much or too little: what is known now, minus all that was stated before. (Rules:
 * "Statements".)
 */
import type { Month } from '@tally/metering';
import { ADJUSTED_FIGURES, type AdjustedFigure, type Adjustment, type Statement } from './document.ts';

/** A month's figures that a statement commits to. */
export type StatedFigures = Record<AdjustedFigure, number>;

/** The figures of a statement's own month. */
export function figuresOf(
  statement: Pick<Statement, 'interactions' | 'engagedPeople' | 'unifiedPeople'>,
): StatedFigures {
  const { interactions, engagedPeople, unifiedPeople } = statement;
  return {
    interactions: interactions.used,
    engagedPeople: engagedPeople.used,
    engagedPeoplePeak: engagedPeople.peak.used,
    unifiedPeople: unifiedPeople.used,
    unifiedPeoplePeak: unifiedPeople.peak.used,
  };
}

/** What statements add up to: each month as it was stated, with every adjustment since. */
export function statedSoFar(statements: readonly Statement[]): Map<Month, StatedFigures> {
  const stated = new Map<Month, StatedFigures>();
  for (const statement of statements) stated.set(statement.month, figuresOf(statement));
  for (const { adjustments } of statements) {
    for (const { month, figure, difference } of adjustments) {
      const figures = stated.get(month);
      if (figures) figures[figure] += difference;
    }
  }
  return stated;
}

/**
 * The adjustments to months before this one, by month.
 * @param known figures as known now; a month that is absent has not changed
 */
export function adjustmentsOf(
  month: Month,
  stated: ReadonlyMap<Month, StatedFigures>,
  known: ReadonlyMap<Month, StatedFigures>,
): Adjustment[] {
  const adjustments: Adjustment[] = [];
  for (const [earlier, before] of [...stated].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const now = known.get(earlier);
    if (earlier >= month || !now) continue;
    for (const figure of ADJUSTED_FIGURES) {
      const difference = now[figure] - before[figure];
      if (difference === 0) continue;
      adjustments.push({ month: earlier, figure, stated: before[figure], known: now[figure], difference });
    }
  }
  return adjustments;
}
