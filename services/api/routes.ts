/**
 * The calls: figures from the derived tables, worked out when they are asked for; unified people from the aggregator's
 * snapshots.
 */
import { lastRun } from '@tally/aggregator';
import {
  engagedPeople,
  knownTenants,
  monthlyInteractions,
  newestSnapshots,
  type UnifiedBreakdown,
} from '@tally/figures';
import { dayOf } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { FastifyInstance } from '@tally/platform/http';
import { addConflictRoute } from './conflicts.ts';
import type { Freshness } from './freshness.ts';
import { dayAskedOf, monthRangeOf, tenantOf } from './parameters.ts';

export interface RouteOptions {
  clickhouse: ClickHouse;
  freshness: Freshness;
  clock: () => number;
}

export function addRoutes(app: FastifyInstance, { clickhouse, freshness, clock }: RouteOptions): void {
  addConflictRoute(app, { clickhouse, freshness });

  app.get('/v1/tenants', async () => {
    const asOf = await freshness.now();
    return { tenants: (await knownTenants(clickhouse)).map((tenantId) => ({ tenantId })), asOf };
  });

  app.get('/v1/tenants/:tenantId/interactions', async ({ params, query }) => {
    const tenantId = tenantOf(params);
    const range = monthRangeOf(query, dayOf(clock()));
    const asOf = await freshness.now();
    const months = await monthlyInteractions(clickhouse, { tenantId, ...range });
    return { months, policy: range.policy.name, asOf };
  });

  app.get('/v1/tenants/:tenantId/engaged', async ({ params, query }) => {
    const tenantId = tenantOf(params);
    const { day, policy } = dayAskedOf(query, dayOf(clock()));
    const asOf = await freshness.now();
    const people = await engagedPeople(clickhouse, { tenantId, day, policy });
    return { day, ...people, policy: policy.name, asOf };
  });

  app.get('/v1/tenants/:tenantId/unified', async ({ params }) => {
    const tenantId = tenantOf(params);
    // The run is read first: a snapshot published in between makes the answer fresher than it says, never less fresh.
    const run = await lastRun(clickhouse);
    const [snapshot] = await newestSnapshots(clickhouse, 'unified', tenantId);
    const breakdown = snapshot?.breakdown as UnifiedBreakdown | undefined;
    const records = Object.values(breakdown?.recordsByEnvironment ?? {}).reduce((sum, count) => sum + count, 0);
    return {
      total: snapshot?.total ?? 0,
      byEnvironment: breakdown?.byEnvironment ?? {},
      records,
      asOf: run ? { computedAt: new Date(run.startedAt).toISOString(), positions: run.positions } : null,
    };
  });
}
