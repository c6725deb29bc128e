/**
 * Engaged people on a day: entities with an interaction in the 12 months up to it. Exact for every day, from one bit a
 * day. (Rules: "Engaged people".)
 *
 * A void may empty an entity's day, which a bit that is only ever set cannot tell. So the entities that have a voided
 * interaction in the window are looked at again in `interactions`, and those with nothing else there are taken off.
 */
import { type CountingPolicy, type Day, engagedWindow, WHOLE_MONTH_MASK } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { EntityType } from '@tally/schemas';
import { policyParams, WHERE_POLICY_COUNTS } from './policy-sql.ts';

export interface EngagedPeople {
  total: number;
  byEnvironment: Record<string, number>;
  byEntityType: Partial<Record<EntityType, number>>;
}

const WITH_A_DAY_IN_WINDOW = `
  SELECT environment_id, entity_type, count() AS people
  FROM
  (
    SELECT environment_id, entity_type, entity_key
    FROM entity_months
    WHERE tenant_id = {tenantId:String}
      AND month >= {firstMonth:Date} AND month <= {lastMonth:Date}
      AND bitAnd(days, multiIf(month = {firstMonth:Date}, {firstMask:UInt32}, month = {lastMonth:Date}, {lastMask:UInt32}, ${WHOLE_MONTH_MASK})) != 0
      AND ${WHERE_POLICY_COUNTS}
    GROUP BY environment_id, entity_type, entity_key
  )
  GROUP BY environment_id, entity_type`;

const WITH_NOTHING_LEFT = `
  WITH voided AS
  (
    SELECT entity_key, event_key
    FROM voided_interactions
    WHERE tenant_id = {tenantId:String} AND day >= {first:Date} AND day <= {last:Date}
  )
  SELECT environment_id, entity_type, count() AS people
  FROM
  (
    SELECT environment_id, entity_type, entity_key
    FROM interactions
    WHERE tenant_id = {tenantId:String} AND day >= {first:Date} AND day <= {last:Date}
      AND entity_key IN (SELECT entity_key FROM voided)
      AND ${WHERE_POLICY_COUNTS}
    GROUP BY environment_id, entity_type, entity_key
    HAVING countIf(event_key NOT IN (SELECT event_key FROM voided)) = 0
  )
  GROUP BY environment_id, entity_type`;

type Row = { environment_id: string; entity_type: EntityType; people: string };

/** A tenant's engaged people on a UTC day. */
export async function engagedPeople(
  clickhouse: ClickHouse,
  asked: { tenantId: string; day: Day; policy: CountingPolicy },
): Promise<EngagedPeople> {
  const params = { tenantId: asked.tenantId, ...engagedWindow(asked.day), ...policyParams(asked.policy) };
  const reached = await clickhouse.query<Row>(WITH_A_DAY_IN_WINDOW, params);
  const emptied = await clickhouse.query<Row>(WITH_NOTHING_LEFT, params);
  const people: EngagedPeople = { total: 0, byEnvironment: {}, byEntityType: {} };
  for (const row of reached) add(people, row, Number(row.people));
  for (const row of emptied) add(people, row, -Number(row.people));
  return people;
}

function add(people: EngagedPeople, { environment_id, entity_type }: Row, count: number): void {
  people.total += count;
  people.byEnvironment[environment_id] = (people.byEnvironment[environment_id] ?? 0) + count;
  people.byEntityType[entity_type] = (people.byEntityType[entity_type] ?? 0) + count;
}
