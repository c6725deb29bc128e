/**
 * Engaged people on any day, or on every day of a range: entities with an interaction in the 12 months up to it. Exact,
 * from one bit a day. (Rules: "Engaged people".)
 *
 * Within a year that begins with day F, an entity is engaged from F until its last interaction up to F has run out, and
 * again from its first interaction after F on: nothing that happens within the year runs out in it. So two days of each
 * entity say all, and one pass over its months finds both.
 *
 * A void may empty an entity's day, which a bit that is only ever set cannot tell. So entities with a voided interaction
 * in the window are looked at again in `interactions`: where a void moved one of the two days, the entity is taken off as
 * the bits have it and added as it is.
 */
import { addDays, type Day, engagedWindow, type PolicyTimeline } from '@tally/metering';
import type { ClickHouse, Params } from '@tally/platform/clickhouse';
import { type Change, changesOf, curvesByYears, type EngagedDay, type EngagedPeople, NEVER } from './engaged-days.ts';
import { countedDays, countedMask, monthsOf, type SqlPart } from './policy-sql.ts';

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

interface Days {
  policies: PolicyTimeline;
  from: Day;
  to: Day;
}

/** A tenant's engaged people on every day from `from` to `to`, both included. One pass a year. */
export async function engagedCurve(
  clickhouse: ClickHouse,
  { tenantId, ...range }: Days & { tenantId: string },
): Promise<EngagedDay[]> {
  return (await engagedCurves(clickhouse, { tenants: [tenantId], ...range })).get(tenantId) ?? [];
}

/** The curves of several tenants under the same policies, in one pass a year for all of them. */
export async function engagedCurves(
  clickhouse: ClickHouse,
  { tenants, policies, from, to }: Days & { tenants: readonly string[] },
): Promise<Map<string, EngagedDay[]>> {
  return curvesByYears({ tenants, from, to }, (first, last) =>
    readChanges(clickhouse, { tenants, policies, first, last }),
  );
}

async function readChanges(
  clickhouse: ClickHouse,
  { tenants, policies, first, last }: { tenants: readonly string[]; policies: PolicyTimeline; first: Day; last: Day },
): Promise<Change[]> {
  const window = { first: engagedWindow(first).first, last };
  const upTo = { first: window.first, last: first };
  const from = { first: addDays(first, 1), last };
  const params = { tenants: [...tenants], ...window, ...monthsOf(window), rangeFirst: first };
  const masks = { upTo: countedMask(policies, upTo, 'upTo'), from: countedMask(policies, from, 'from') };
  const [changes, voided] = await Promise.all([
    clickhouse.queryShards<Change>(changesSql(masks), { ...params, ...masks.upTo.params, ...masks.from.params }),
    clickhouse.query<VoidedEvent>(VOIDED_EVENTS, params),
  ]);
  if (voided.length === 0) return changes;
  const days = { upTo: countedDays(policies, upTo, 'upTo'), from: countedDays(policies, from, 'from') };
  const { entities, events, lists } = namesOf(voided);
  const corrections = await clickhouse.queryShards<Change>(correctionsSql(days, { entities, events }), {
    ...params,
    ...days.upTo.params,
    ...days.from.params,
    ...lists,
  });
  for (const correction of corrections) changes.push(correction);
  return changes;
}

/** For the days up to the range's first, and for those after it. */
interface Parts {
  upTo: SqlPart;
  from: SqlPart;
}

/** Each entity's two days: the highest bit of all masks up to the range's first day, and the lowest of all after it. */
function changesSql({ upTo, from }: Parts): string {
  return `
  SELECT tenant, environment, type, change.1 AS day, sum(change.2) AS people
  FROM
  (
    SELECT
      any(tenant_id) AS tenant, any(environment_id) AS environment, any(entity_type) AS type,
      max(if(up_to = 0, 0, toUInt16(month) + toUInt16(log2(up_to)))) AS before,
      min(if(from_then = 0, ${NEVER}, toUInt16(month) + toUInt16(log2(bitAnd(from_then, bitNot(from_then) + 1))))) AS next
    FROM
    (
      SELECT tenant_id, environment_id, entity_type, entity_key, month, ${upTo.sql} AS up_to, ${from.sql} AS from_then
      FROM entity_months
      WHERE tenant_id IN {tenants:Array(String)} AND month >= {firstMonth:Date} AND month <= {lastMonth:Date}
    )
    GROUP BY entity_key
  )
  ARRAY JOIN ${changesOf('before', 'next', 1)} AS change
  WHERE change.2 != 0
  GROUP BY tenant, environment, type, day`;
}

interface VoidedEvent {
  entity_key: string;
  event_key: string;
}

/** So many keys go into the question itself, which ClickHouse plans faster than one that has to find them. */
const VOIDED_LISTED_MAX = 500;

const VOIDED = `
  FROM voided_interactions
  WHERE tenant_id IN {tenants:Array(String)} AND day >= {first:Date} AND day <= {last:Date}`;

const VOIDED_EVENTS = `SELECT entity_key, event_key ${VOIDED} LIMIT ${VOIDED_LISTED_MAX + 1}`;

/** The voided events and their entities, for a condition with IN. */
function namesOf(voided: readonly VoidedEvent[]): { entities: string; events: string; lists: Params } {
  if (voided.length > VOIDED_LISTED_MAX) {
    return { entities: `(SELECT entity_key ${VOIDED})`, events: `(SELECT event_key ${VOIDED})`, lists: {} };
  }
  const lists = {
    entities: [...new Set(voided.map(({ entity_key }) => BigInt(entity_key)))],
    events: voided.map(({ event_key }) => BigInt(event_key)),
  };
  return { entities: '{entities:Array(UInt128)}', events: '{events:Array(UInt128)}', lists };
}

/**
 * For entities of which voids have moved one of the two days: what the bits changed is taken back, and what is left
 * changes instead. `identity` keeps the keys out of the index analysis: they are spread over all of it, so it finds
 * nothing and takes long.
 */
function correctionsSql({ upTo, from }: Parts, { entities, events }: { entities: string; events: string }): string {
  return `
  SELECT tenant, environment, type, change.1 AS day, sum(change.2) AS people
  FROM
  (
    SELECT
      any(tenant_id) AS tenant, any(environment_id) AS environment, any(entity_type) AS type,
      max(if(is_up_to, at, 0)) AS was_before, max(if(is_up_to AND NOT voided, at, 0)) AS before,
      min(if(is_from, at, ${NEVER})) AS was_next, min(if(is_from AND NOT voided, at, ${NEVER})) AS next
    FROM
    (
      SELECT
        tenant_id, environment_id, entity_type, entity_key, toUInt16(day) AS at,
        ${upTo.sql} AS is_up_to, ${from.sql} AS is_from, identity(event_key) IN ${events} AS voided
      FROM interactions
      WHERE tenant_id IN {tenants:Array(String)} AND day >= {first:Date} AND day <= {last:Date}
        AND identity(entity_key) IN ${entities}
    )
    GROUP BY entity_key
    HAVING was_before != before OR was_next != next
  )
  ARRAY JOIN
    arrayConcat(${changesOf('was_before', 'was_next', -1)}, ${changesOf('before', 'next', 1)}) AS change
  WHERE change.2 != 0
  GROUP BY tenant, environment, type, day`;
}
