/**
 * The calls: figures of now, from what is published where that is the same (figures/current.ts); unified people from the
 * aggregator's snapshots.
 */
import { callerOf, covers } from '@tally/access';
import { type CurrentFigures, knownTenants, policyTimeline } from '@tally/figures';
import {
  always,
  type CountingPolicy,
  dayOf,
  engagedWindow,
  firstDayOf,
  lastDayOf,
  type PolicyTimeline,
  policyName,
} from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { FastifyInstance } from '@tally/platform/http';
import { addAlertRoutes } from './alerts.ts';
import { addConflictRoute } from './conflicts.ts';
import type { Freshness } from './freshness.ts';
import { addLicenceRoutes } from './licences.ts';
import { addOverviewRoute } from './overview.ts';
import { dayAskedOf, dayRangeOf, monthRangeOf, tenantOf } from './parameters.ts';
import { addPolicyRoutes } from './policies.ts';
import { addPublishedRoute } from './published.ts';
import { addQuotaRoutes } from './quota.ts';
import { addRunRoute } from './runs.ts';
import { addUnifiedRoutes } from './unified.ts';

export interface RouteOptions {
  clickhouse: ClickHouse;
  /** Of now, from what is published where that is the same. */
  figures: CurrentFigures;
  freshness: Freshness;
  clock: () => number;
}

export function addRoutes(app: FastifyInstance, { clickhouse, figures, freshness, clock }: RouteOptions): void {
  addAlertRoutes(app, { clickhouse, clock });
  addOverviewRoute(app, { clickhouse, clock });
  addConflictRoute(app, { clickhouse, freshness });
  addPolicyRoutes(app, { clickhouse, clock });
  addLicenceRoutes(app, { clickhouse, clock });
  addQuotaRoutes(app, { clickhouse, figures, freshness, clock });
  addUnifiedRoutes(app, { clickhouse, clock });
  addPublishedRoute(app, { clickhouse });
  addRunRoute(app, { clickhouse });
  const policiesOf = (tenantId: string, asked: CountingPolicy | undefined): Promise<PolicyTimeline> =>
    asked ? Promise.resolve(always(asked)) : policyTimeline(clickhouse, tenantId);

  app.get('/v1/tenants', async (request) => {
    const { scope } = callerOf(request);
    const asOf = await freshness.now();
    const seen = (await knownTenants(clickhouse)).filter((tenantId) => covers(scope, tenantId));
    return { tenants: seen.map((tenantId) => ({ tenantId })), asOf };
  });

  app.get('/v1/tenants/:tenantId/interactions', async ({ params, query }) => {
    const tenantId = tenantOf(params);
    const { from, to, policy } = monthRangeOf(query, dayOf(clock()));
    const asOf = await freshness.now();
    const policies = await policiesOf(tenantId, policy);
    const months = await figures.of(tenantId).monthlyInteractions({ from, to, policies });
    const lastDay = lastDayOf(to);
    return { months, policy: policyName(policies, firstDayOf(from), lastDay), asOf };
  });

  app.get('/v1/tenants/:tenantId/engaged', async ({ params, query }) => {
    const tenantId = tenantOf(params);
    const { day, policy } = dayAskedOf(query, dayOf(clock()));
    const asOf = await freshness.now();
    const policies = await policiesOf(tenantId, policy);
    const [people] = await figures.of(tenantId).engagedCurve({ from: day, to: day, policies });
    return { ...people, day, policy: policyName(policies, engagedWindow(day).first, day), asOf };
  });

  app.get('/v1/tenants/:tenantId/engaged/curve', async ({ params, query }) => {
    const tenantId = tenantOf(params);
    const { from, to, policy } = dayRangeOf(query, dayOf(clock()));
    const asOf = await freshness.now();
    const policies = await policiesOf(tenantId, policy);
    const curve = await figures.of(tenantId).engagedCurve({ from, to, policies });
    const days = curve.map(({ day, total }) => ({ day, total }));
    return { days, policy: policyName(policies, engagedWindow(from).first, to), asOf };
  });
}
