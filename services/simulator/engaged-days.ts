/**
 * The truth about engaged people day by day: one walk over the days, on which people come when they interact and go when
 * their last interaction is a year old.
 */
import { addMonths } from './calendar.ts';

interface Walk {
  /** Day → numbers of the entities that have something counted on it, as often as they have. */
  entitiesByDay: ReadonlyMap<number, readonly number[]>;
  /** By the entity's number. */
  tenantOf: readonly string[];
  first: number;
  /** Included. */
  last: number;
}

const WINDOW_MONTHS = 12;
const NEVER = -1;

/** Tenant → how many are engaged on each day; tenants without anybody on any day are left out. */
export function engagedByDay({ entitiesByDay, tenantOf, first, last }: Walk): Map<string, number[]> {
  const lastOn = new Int32Array(tenantOf.length).fill(NEVER);
  const people = new Map<string, number>();
  const days = new Map<string, number[]>();
  const change = (entity: number, by: 1 | -1): void => {
    const tenantId = tenantOf[entity] ?? '';
    people.set(tenantId, (people.get(tenantId) ?? 0) + by);
  };
  let gone = addMonths(first, -WINDOW_MONTHS);
  for (let day = gone + 1; day <= last; day++) {
    for (const entity of entitiesByDay.get(day) ?? []) {
      if (lastOn[entity] === NEVER) change(entity, 1);
      lastOn[entity] = day;
    }
    if (day < first) continue;
    // Two days may run out at once, or none: a year later there may be no such day.
    for (const until = addMonths(day, -WINDOW_MONTHS); gone <= until; gone++) {
      for (const entity of entitiesByDay.get(gone) ?? []) {
        if (lastOn[entity] !== gone) continue;
        change(entity, -1);
        lastOn[entity] = NEVER;
      }
    }
    for (const [tenantId, count] of people) {
      const counts = days.get(tenantId) ?? Array.from({ length: day - first }, () => 0);
      counts.push(count);
      days.set(tenantId, counts);
    }
  }
  return days;
}
