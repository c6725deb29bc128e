/**
 * Interactions as of bounds: those before them that no void before them took back.
 */
import type { Day, PolicyTimeline } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { CHANNELS, type Channel } from '@tally/schemas';
import { type Bounds, withinBounds } from './bounds.ts';
import { countsOfShards } from './of-shards.ts';
import { countedDays, type DayRange, type SqlPart } from './policy-sql.ts';

/**
 * A condition on the table `interactions`. The same row may be there twice: what is counted are different positions.
 * `identity` keeps the keys out of the index analysis: they are spread over all of it, so it finds nothing and takes long.
 */
export function interactionsWithin({
  tenants,
  days,
  bounds,
  topic,
}: {
  tenants: readonly string[];
  days: DayRange;
  bounds: Bounds;
  topic: string;
}): SqlPart {
  const counted = withinBounds(bounds, topic, { column: 'position', name: 'counted' });
  const voided = withinBounds(bounds, topic, { column: 'void_position', name: 'voided' });
  const range = 'tenant_id IN {tenants:Array(String)} AND day >= {first:Date} AND day <= {last:Date}';
  return {
    sql: `${range} AND ${counted.sql}
      AND identity(event_key) NOT IN (SELECT event_key FROM voided_interactions WHERE ${range} AND ${voided.sql})`,
    params: { tenants: [...tenants], first: days.first, last: days.last, ...counted.params, ...voided.params },
  };
}

/** How many there were of a kind on a day. */
export interface InteractionsOfDay {
  day: Day;
  environmentId: string;
  channel: Channel;
  count: number;
}

interface DayRow {
  tenant_id: string;
  of_day: Day;
  environment_id: string;
  channel: Channel;
  count: string;
}

/** Tenants' interactions by day, environment and channel, as far as their policies count them; days ascending. */
export async function dailyInteractionsWithin(
  clickhouse: ClickHouse,
  asked: { tenants: readonly string[]; policies: PolicyTimeline; days: DayRange; bounds: Bounds; topic: string },
): Promise<Map<string, InteractionsOfDay[]>> {
  const counted = countedDays(asked.policies, asked.days, 'policy');
  const within = interactionsWithin(asked);
  const rows = await countsOfShards<DayRow>(
    clickhouse,
    {
      sql: `SELECT tenant_id, toString(day) AS of_day, environment_id, channel, uniqExact(position) AS count
        FROM interactions
        WHERE ${within.sql} AND ${counted.sql}
        GROUP BY tenant_id, day, environment_id, channel
        ORDER BY tenant_id, day, environment_id, channel`,
      params: { ...within.params, ...counted.params },
    },
    { tenant_id: 'ascending', of_day: 'ascending', environment_id: 'ascending', channel: CHANNELS },
  );
  const byTenant = new Map(asked.tenants.map((tenantId): [string, InteractionsOfDay[]] => [tenantId, []]));
  for (const { tenant_id, of_day, environment_id, channel, count } of rows) {
    byTenant.get(tenant_id)?.push({ day: of_day, environmentId: environment_id, channel, count: Number(count) });
  }
  return byTenant;
}
