/**
 * How severe a figure is: the worst level it has reached. A level that an alert holds is kept a little longer than it takes
 * to reach it, so that a figure which moves around a threshold changes nothing. (Rules: "Alerts".)
 */
import { SEVERITIES, type Severity } from './alert.ts';

/** The threshold of each severity that there is; a figure that is as much as it has reached it. */
export type Levels = Partial<Record<Severity, number | undefined>>;

export interface Ladder {
  /** Whether larger figures are worse, or smaller ones (days left). */
  worse: 'above' | 'below';
  levels: Levels;
  /** As a share of each threshold: by how much a figure must be back on its good side before the level is left. */
  hysteresis: number;
}

/** So that 0.8 less a fiftieth is 0.784, which a share may be, and not a little beside it. */
const DIGITS = 12;

/** Less severe is less. */
export function rankOf(severity: Severity | null): number {
  return severity === null ? -1 : SEVERITIES.indexOf(severity);
}

/**
 * The severity of a figure, or null below every level; null is also what no figure has.
 * @param held severity of the alert that is open, or null: the levels up to it are left by the hysteresis only
 */
export function severityOf(ladder: Ladder, value: number | null, held: Severity | null = null): Severity | null {
  if (value === null) return null;
  const reached = SEVERITIES.findLast((severity) => {
    const threshold = ladder.levels[severity];
    if (threshold === undefined) return false;
    const bound = rankOf(severity) <= rankOf(held) ? leftAt(ladder, threshold) : threshold;
    return ladder.worse === 'above' ? value >= bound : value <= bound;
  });
  return reached ?? null;
}

/** The threshold of a severity; of none, the one that would be reached first. */
export function thresholdOf({ levels }: Ladder, severity: Severity | null): number {
  const first = SEVERITIES.map((one) => levels[one]).find((threshold) => threshold !== undefined) ?? 0;
  return (severity === null ? undefined : levels[severity]) ?? first;
}

/** The last figure with which a level is kept. */
function leftAt({ worse, hysteresis }: Ladder, threshold: number): number {
  const bound = threshold * (worse === 'above' ? 1 - hysteresis : 1 + hysteresis);
  return Number(bound.toPrecision(DIGITS));
}
