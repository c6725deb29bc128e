/**
 * What licence lines grant, in the model.
 */
import { type DayNumber, dayNumber, daysOfMonth } from './days.ts';
import type { ModelLine } from './steps.ts';

interface Owned {
  engaged: number;
  unified: number;
}

export function isInForce({ startsOn, endsOn }: Pick<ModelLine, 'startsOn' | 'endsOn'>, day: DayNumber): boolean {
  return dayNumber(startsOn) <= day && (endsOn === null || day < dayNumber(endsOn));
}

/** People that a tenant owns on a day. */
export function ownedOn(lines: readonly ModelLine[], day: DayNumber): Owned {
  const owned: Owned = { engaged: 0, unified: 0 };
  for (const line of lines) {
    if (!isInForce(line, day)) continue;
    const { engaged, unified } = grantOf(line);
    owned.engaged += line.quantity * engaged;
    owned.unified += line.quantity * unified;
  }
  return owned;
}

/** Interactions that a month may have: every day of it is looked at. */
export function allowanceOf(lines: readonly ModelLine[], month: string): number {
  return 10 * Math.max(...daysOfMonth(month).map((day) => ownedOn(lines, day).engaged));
}

/** What one unit grants. */
function grantOf({ sku, packSize = 0 }: ModelLine): Owned {
  switch (sku) {
    case 'ci-base':
    case 'ci-base-attach':
      return { engaged: 10_000, unified: 100_000 };
    case 'ci-interacted-people-t1':
    case 'ci-interacted-people-t2':
    case 'ci-interacted-people-t3':
    case 'marketing-standalone':
    case 'trial':
      return { engaged: packSize, unified: 0 };
    case 'ci-unified-people':
    case 'ci-standalone':
      return { engaged: 0, unified: packSize };
    default:
      return { engaged: 0, unified: 0 };
  }
}
