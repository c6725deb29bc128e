/**
 * Engaged people on each day of a range, from two days of each entity: when it was last there up to the range's first day,
 * and when it comes first after it.
 *
 * Within a year that begins with day F, an entity is engaged from F until its last interaction up to F has run out, and
 * again from its first interaction after F on: nothing that happens within the year runs out in it. So two days of each
 * entity say all, and one pass over its history finds both.
 */
import { addDays, type Day, dayOf, lastDayWithoutDropout } from '@tally/metering';
import type { EntityType } from '@tally/schemas';

export interface EngagedPeople {
  total: number;
  /** Environments with at least one engaged person. */
  byEnvironment: Record<string, number>;
  byEntityType: Partial<Record<EntityType, number>>;
}

export interface EngagedDay extends EngagedPeople {
  day: Day;
}

/** The curves of several tenants, a year at a time; `changes` is asked for the changes of each year's days. */
export async function curvesByYears(
  { tenants, from, to }: { tenants: readonly string[]; from: Day; to: Day },
  changes: (first: Day, last: Day) => Promise<readonly Change[]>,
): Promise<Map<string, EngagedDay[]>> {
  const curves = new Map(tenants.map((tenantId): [string, EngagedDay[]] => [tenantId, []]));
  for (let first = from; first <= to; ) {
    const yearEnd = lastDayWithoutDropout(first);
    const last = yearEnd < to ? yearEnd : to;
    const byTenant = Map.groupBy(await changes(first, last), ({ tenant }) => tenant);
    for (const [tenantId, curve] of curves) {
      for (const day of curveOf(byTenant.get(tenantId) ?? [], first, last)) curve.push(day);
    }
    first = addDays(last, 1);
  }
  return curves;
}

/** How many come, or, below 0, go on a day; on the range's first day all who are there. */
export interface Change {
  tenant: string;
  environment: string;
  type: EntityType;
  /** Days since 1970-01-01. */
  day: number;
  people: string;
}

/** Later than every day. */
export const NEVER = 65_535;

/**
 * What two days of an entity change: it is there on the range's first day, is gone when its last day has run out, unless
 * it has another one by then, and comes with that one otherwise. 29 February runs out on 1 March (see `engagedUntil`).
 */
export function changesOf(before: string, next: string, sign: 1 | -1): string {
  const aYearLater = `addMonths(toDate(${before}), 12)`;
  const until = `(toUInt16(${aYearLater}) + (addMonths(${aYearLater}, -12) < toDate(${before})))`;
  const hasGap = `${next} > ${until}`;
  return `[
    (toUInt16({rangeFirst:Date}), ${sign} * (${before} != 0)),
    (toUInt16(${until}), ${-sign} * (${before} != 0 AND ${hasGap})),
    (toUInt16(${next}), ${sign} * (${next} != ${NEVER} AND (${before} = 0 OR ${hasGap})))
  ]`;
}

const MS_PER_DAY = 86_400_000;

function dayNumber(day: Day): number {
  return Date.parse(`${day}T00:00:00Z`) / MS_PER_DAY;
}

/** The changes added up, day by day, for the breakdown by environment and by entity type. */
function curveOf(changes: readonly Change[], first: Day, last: Day): EngagedDay[] {
  const start = dayNumber(first);
  const length = dayNumber(last) - start + 1;
  const byEnvironment = new Map<string, Int32Array>();
  const byEntityType = new Map<EntityType, Int32Array>();
  for (const { environment, type, day, people } of changes) {
    // What changes after the range is not asked for.
    if (day - start >= length) continue;
    addChange(byEnvironment, environment, { length, day: day - start, people: Number(people) });
    addChange(byEntityType, type, { length, day: day - start, people: Number(people) });
  }
  for (const people of [...byEnvironment.values(), ...byEntityType.values()]) {
    for (let day = 1; day < length; day++) people[day] = (people[day] ?? 0) + (people[day - 1] ?? 0);
  }
  return Array.from({ length }, (_, day) => {
    const environments = countsOn(day, byEnvironment);
    const total = Object.values(environments).reduce((sum, people) => sum + people, 0);
    const types: Partial<Record<EntityType, number>> = countsOn(day, byEntityType);
    return { day: dayOf((start + day) * MS_PER_DAY), total, byEnvironment: environments, byEntityType: types };
  });
}

function addChange<Name>(
  to: Map<Name, Int32Array>,
  name: Name,
  { length, day, people }: { length: number; day: number; people: number },
): void {
  const changes = to.get(name) ?? new Int32Array(length);
  changes[day] = (changes[day] ?? 0) + people;
  to.set(name, changes);
}

function countsOn<Name extends string>(day: number, counts: ReadonlyMap<Name, Int32Array>): Record<string, number> {
  const entries: [string, number][] = [];
  for (const [name, people] of counts) if (people[day]) entries.push([name, people[day] ?? 0]);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
