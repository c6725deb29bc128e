/**
 * The usage that a statement is about: each day of the range, as of bounds, whose figures no later record changes.
 */
import {
  type Bounds,
  dailyInteractionsWithin,
  type EngagedDay,
  engagedCurvesWithin,
  type InteractionsOfDay,
  type UnifiedDay,
  unifiedHistories,
} from '@tally/figures';
import type { Day, PolicyTimeline } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';

export interface Usage {
  /** Every day of the range, ascending. */
  engaged: EngagedDay[];
  /** Days that have any, ascending. */
  interactions: InteractionsOfDay[];
  /** From the first day that has a figure on. */
  unified: UnifiedDay[];
}

export interface UsageRange {
  from: Day;
  /** Included. */
  to: Day;
  policies: PolicyTimeline;
  bounds: Bounds;
  /** Topic of the interactions. */
  topic: string;
}

/** The usage of tenants under the same policies, in a query a meter (a query a year for engaged people). */
export async function usageOf(
  clickhouse: ClickHouse,
  { tenants, from, to, policies, bounds, topic }: UsageRange & { tenants: readonly string[] },
): Promise<Map<string, Usage>> {
  const days = { first: from, last: to };
  const [engaged, interactions, unified] = await Promise.all([
    engagedCurvesWithin(clickhouse, { tenants, policies, from, to, bounds, topic }),
    dailyInteractionsWithin(clickhouse, { tenants, policies, days, bounds, topic }),
    unifiedHistories(clickhouse, { tenants, from, to }),
  ]);
  return new Map(
    tenants.map((tenantId) => [
      tenantId,
      {
        engaged: engaged.get(tenantId) ?? [],
        interactions: interactions.get(tenantId) ?? [],
        unified: unified.get(tenantId) ?? [],
      },
    ]),
  );
}
