/**
 * Engaged people as of bounds, from the interactions themselves: slower than from the bits, which know no positions, and
 * the same for ever. (Rules: "Engaged people".)
 */
import { addDays, type Day, engagedWindow, type PolicyTimeline } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { Bounds } from './bounds.ts';
import { type Change, changesOf, curvesByYears, type EngagedDay, NEVER } from './engaged-days.ts';
import { interactionsWithin } from './interactions-within.ts';
import { countedDays } from './policy-sql.ts';

interface Asked {
  tenants: readonly string[];
  policies: PolicyTimeline;
  from: Day;
  /** Included. */
  to: Day;
  bounds: Bounds;
  /** Of the interactions. */
  topic: string;
}

/** Tenants' engaged people on every day from `from` to `to`. One pass a year over 12 months more than the range has. */
export function engagedCurvesWithin(clickhouse: ClickHouse, asked: Asked): Promise<Map<string, EngagedDay[]>> {
  return curvesByYears(asked, (first, last) => readChanges(clickhouse, { ...asked, first, last }));
}

async function readChanges(
  clickhouse: ClickHouse,
  { tenants, policies, bounds, topic, first, last }: Asked & { first: Day; last: Day },
): Promise<Change[]> {
  const window = { first: engagedWindow(first).first, last };
  const upTo = countedDays(policies, { first: window.first, last: first }, 'upTo');
  const from = countedDays(policies, { first: addDays(first, 1), last }, 'from');
  const within = interactionsWithin({ tenants, days: window, bounds, topic });
  const sql = `
    SELECT tenant, environment, type, change.1 AS day, sum(change.2) AS people
    FROM
    (
      SELECT
        any(tenant_id) AS tenant, any(environment_id) AS environment, any(entity_type) AS type,
        max(if(is_up_to, at, 0)) AS before, min(if(is_from, at, ${NEVER})) AS next
      FROM
      (
        SELECT
          tenant_id, environment_id, entity_type, entity_key, toUInt16(day) AS at,
          ${upTo.sql} AS is_up_to, ${from.sql} AS is_from
        FROM interactions
        WHERE ${within.sql}
      )
      GROUP BY entity_key
    )
    ARRAY JOIN ${changesOf('before', 'next', 1)} AS change
    WHERE change.2 != 0
    GROUP BY tenant, environment, type, day`;
  return clickhouse.queryShards<Change>(sql, { ...within.params, ...upTo.params, ...from.params, rangeFirst: first });
}
