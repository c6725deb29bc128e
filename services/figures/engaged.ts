/**
 * Engaged people on any day, or on every day of a range: entities with an interaction in the 12 months up to it. Exact,
 * from one bit a day. (Rules: "Engaged people".)
 *
 * Within a year that begins with day F, an entity is engaged from F until its last interaction up to F has run out, and
 * again from its first interaction after F on: nothing that happens within the year runs out in it. So two days of each
 * entity say all, and one pass over its months finds both.
 *
 * A void may empty an entity's day, which a bit that is only ever set cannot tell. So entities with a voided interaction
 * in the window get their days from `interactions` instead, without those voided.
 */
import {
  addDays,
  type Day,
  dayOf,
  engagedUntil,
  engagedWindow,
  lastDayWithoutDropout,
  type PolicyTimeline,
} from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { EntityType } from '@tally/schemas';
import { countedMask, monthsOf } from './policy-sql.ts';

export interface EngagedPeople {
  total: number;
  /** Environments with at least one engaged person. */
  byEnvironment: Record<string, number>;
  byEntityType: Partial<Record<EntityType, number>>;
}

export interface EngagedDay extends EngagedPeople {
  day: Day;
}

interface Asked {
  tenantId: string;
  policies: PolicyTimeline;
}

/** A tenant's engaged people on a UTC day. */
export async function engagedPeople(clickhouse: ClickHouse, asked: Asked & { day: Day }): Promise<EngagedPeople> {
  const [figure] = await engagedCurve(clickhouse, { ...asked, from: asked.day, to: asked.day });
  const { total, byEnvironment, byEntityType } = figure ?? { total: 0, byEnvironment: {}, byEntityType: {} };
  return { total, byEnvironment, byEntityType };
}

/** A tenant's engaged people on every day from `from` to `to`, both included. One query a year. */
export async function engagedCurve(
  clickhouse: ClickHouse,
  { tenantId, policies, from, to }: Asked & { from: Day; to: Day },
): Promise<EngagedDay[]> {
  const days: EngagedDay[] = [];
  for (let first = from; first <= to; ) {
    const yearEnd = lastDayWithoutDropout(first);
    const last = yearEnd < to ? yearEnd : to;
    const spells = await readSpells(clickhouse, { tenantId, policies, first, last });
    for (const day of curveOf(spells, first, last)) days.push(day);
    first = addDays(last, 1);
  }
  return days;
}

/** Entities alike: their last day with an interaction up to the range's first, and their first one after it. */
interface Spell {
  environment: string;
  type: EntityType;
  /** Days since 1970-01-01, 0 for none. */
  before: number;
  after: number;
  people: string;
}

async function readSpells(
  clickhouse: ClickHouse,
  { tenantId, policies, first, last }: Asked & { first: Day; last: Day },
): Promise<Spell[]> {
  const window = { first: engagedWindow(first).first, last };
  const before = countedMask(policies, { first: window.first, last: first }, 'before');
  const after = countedMask(policies, { first: addDays(first, 1), last }, 'after');
  return clickhouse.query<Spell>(spellsSql(before.sql, after.sql), {
    tenantId,
    ...window,
    ...monthsOf(window),
    ...before.params,
    ...after.params,
  });
}

/** A month's first day in the upper half and a mask in the lower one: ordered by day, whichever bit is looked for. */
const DAYS_OF_MONTH = 'bitShiftLeft(toUInt64(toUInt16(month)), 32)';

function spellsSql(before: string, after: string): string {
  return `
  WITH voided AS
  (
    SELECT entity_key, event_key
    FROM voided_interactions
    WHERE tenant_id = {tenantId:String} AND day >= {first:Date} AND day <= {last:Date}
  )
  SELECT
    environment, type,
    toUInt32(if(last_before = 0, 0, bitShiftRight(last_before, 32) + floor(log2(bitAnd(last_before, 0xFFFFFFFF))))) AS before,
    toUInt32(if(first_after = 0, 0, bitShiftRight(first_after, 32) + floor(log2(bitAnd(first_after, 0xFFFFFFFF))))) AS after,
    count() AS people
  FROM
  (
    SELECT
      any(environment_id) AS environment, any(entity_type) AS type,
      maxIf(bitOr(${DAYS_OF_MONTH}, days_before), days_before != 0) AS last_before,
      minIf(bitOr(${DAYS_OF_MONTH}, bitAnd(days_after, bitNot(days_after) + 1)), days_after != 0) AS first_after
    FROM
    (
      SELECT environment_id, entity_type, entity_key, month, ${before} AS days_before, ${after} AS days_after
      FROM
      (
        SELECT environment_id, entity_type, entity_key, month, channel, direction, days
        FROM entity_months
        WHERE tenant_id = {tenantId:String} AND month >= {firstMonth:Date} AND month <= {lastMonth:Date}
          AND entity_key NOT IN (SELECT entity_key FROM voided)
        UNION ALL
        SELECT
          environment_id, entity_type, entity_key, toStartOfMonth(day) AS month, channel, direction,
          bitShiftLeft(toUInt32(1), toDayOfMonth(day) - 1) AS days
        FROM interactions
        WHERE tenant_id = {tenantId:String} AND day >= {first:Date} AND day <= {last:Date}
          AND entity_key IN (SELECT entity_key FROM voided)
          AND event_key NOT IN (SELECT event_key FROM voided)
      )
    )
    WHERE days_before != 0 OR days_after != 0
    GROUP BY entity_key
  )
  GROUP BY environment, type, before, after`;
}

const MS_PER_DAY = 86_400_000;

function dayNumber(day: Day): number {
  return Date.parse(`${day}T00:00:00Z`) / MS_PER_DAY;
}

/** How many come and go on each day, added up. */
function curveOf(spells: readonly Spell[], first: Day, last: Day): EngagedDay[] {
  const start = dayNumber(first);
  const length = dayNumber(last) - start + 1;
  const untilOf = new Map<number, number>();
  const changes = new Changes(length);
  for (const { environment, type, before, after, people } of spells) {
    const count = Number(people);
    if (before === 0) {
      changes.add(environment, type, after - start, count);
      continue;
    }
    changes.add(environment, type, 0, count);
    const until = untilOf.get(before) ?? dayNumber(engagedUntil(dayOf(before * MS_PER_DAY))) - start;
    untilOf.set(before, until);
    // Gone for the days between the two, if there are any.
    if (after !== 0 && after - start <= until) continue;
    changes.add(environment, type, until, -count);
    if (after !== 0) changes.add(environment, type, after - start, count);
  }
  return changes.figures(start);
}

/** Changes of the number of people by day, for the breakdown by environment and entity type. */
class Changes {
  readonly #length: number;
  readonly #byEnvironment = new Map<string, Int32Array>();
  readonly #byEntityType = new Map<EntityType, Int32Array>();

  constructor(length: number) {
    this.#length = length;
  }

  /** A change after the last day is none. */
  add(environment: string, type: EntityType, day: number, people: number): void {
    if (day >= this.#length) return;
    this.#add(this.#byEnvironment, environment, day, people);
    this.#add(this.#byEntityType, type, day, people);
  }

  figures(start: number): EngagedDay[] {
    for (const changes of [...this.#byEnvironment.values(), ...this.#byEntityType.values()]) {
      for (let day = 1; day < this.#length; day++) changes[day] = (changes[day] ?? 0) + (changes[day - 1] ?? 0);
    }
    return Array.from({ length: this.#length }, (_, day) => {
      const byEnvironment = countsOn(day, this.#byEnvironment);
      const total = Object.values(byEnvironment).reduce((sum, people) => sum + people, 0);
      const byEntityType: Partial<Record<EntityType, number>> = countsOn(day, this.#byEntityType);
      return { day: dayOf((start + day) * MS_PER_DAY), total, byEnvironment, byEntityType };
    });
  }

  #add<Name>(to: Map<Name, Int32Array>, name: Name, day: number, people: number): void {
    const changes = to.get(name) ?? new Int32Array(this.#length);
    changes[day] = (changes[day] ?? 0) + people;
    to.set(name, changes);
  }
}

function countsOn<Name extends string>(day: number, counts: ReadonlyMap<Name, Int32Array>): Record<string, number> {
  const entries: [string, number][] = [];
  for (const [name, people] of counts) if (people[day]) entries.push([name, people[day] ?? 0]);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
