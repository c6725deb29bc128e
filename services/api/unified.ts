/**
 * Unified people: the published figure, day by day too, the rules it is made under, and what holds a profile together.
 */
import {
  explainUnified,
  newestSnapshots,
  setUnificationRules,
  UNIFICATION_DEFAULT,
  type UnifiedBreakdown,
  unificationRules,
  unificationRulesChanges,
  unifiedHistory,
} from '@tally/figures';
import { dayOf } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { type FastifyInstance, Problem } from '@tally/platform/http';
import { z } from 'zod';
import { asOfLastRun } from './as-of.ts';
import { checked, dayRangeOf, tenantOf } from './parameters.ts';

const KINDS_MAX = 100;
const KIND_CHARS_MAX = 128;
const LIMIT_MAX = 1_000_000_000;
const TEXT_CHARS_MAX = 1_000;

export const unificationBody = z.strictObject({
  kinds: z.array(z.string().min(1).max(KIND_CHARS_MAX)).min(1).max(KINDS_MAX).nullable(),
  limit: z.int().min(1).max(LIMIT_MAX),
  because: z.string().trim().min(1).max(TEXT_CHARS_MAX),
  by: z.string().trim().min(1).max(TEXT_CHARS_MAX).default('admin'),
});

export const explainAsked = z.object({
  environment: z.string().min(1),
  source: z.string().min(1),
  record: z.string().min(1),
});

interface UnifiedRouteOptions {
  clickhouse: ClickHouse;
  clock: () => number;
}

/** `GET /v1/tenants/{t}/unified`, `…/history`, `…/explain`, and `GET` and `PUT …/rules`. */
export function addUnifiedRoutes(app: FastifyInstance, { clickhouse, clock }: UnifiedRouteOptions): void {
  app.get('/v1/tenants/:tenantId/unified', ({ params }) => figureOf(clickhouse, tenantOf(params)));

  app.get('/v1/tenants/:tenantId/unified/history', async ({ params, query }) => {
    const tenantId = tenantOf(params);
    const today = dayOf(clock());
    const { from, to } = dayRangeOf(query, today);
    // Nothing has been published for days to come.
    const asOf = await asOfLastRun(clickhouse, tenantId);
    const history = await unifiedHistory(clickhouse, { tenantId, from, to: to < today ? to : today });
    return { days: history.map(({ day, total, byEnvironment }) => ({ day, total, byEnvironment })), asOf };
  });

  app.get('/v1/tenants/:tenantId/unified/explain', async ({ params, query }) => {
    const tenantId = tenantOf(params);
    const { environment: environmentId, source, record: recordId } = checked(explainAsked, query);
    const rules = await unificationRules(clickhouse, tenantId);
    const record = { source, recordId };
    const explanation = await explainUnified(clickhouse, { tenantId, environmentId, record, rules });
    if (explanation) return { environmentId, ...explanation };
    const detail = 'there is no such record, or it is deleted';
    throw new Problem({ status: 404, code: 'unknown-record', title: 'The record is not known', detail });
  });

  app.get('/v1/tenants/:tenantId/unified/rules', ({ params }) => rulesOf(clickhouse, tenantOf(params)));

  app.put('/v1/tenants/:tenantId/unified/rules', async ({ params, body }) => {
    const tenantId = tenantOf(params);
    await setUnificationRules(clickhouse, tenantId, { ...checked(unificationBody, body), now: clock() });
    return rulesOf(clickhouse, tenantId);
  });
}

async function figureOf(clickhouse: ClickHouse, tenantId: string): Promise<object> {
  // The run is read first: a snapshot published in between makes the answer fresher than it says, never less fresh.
  const asOf = await asOfLastRun(clickhouse, tenantId);
  const [snapshot] = await newestSnapshots(clickhouse, 'unified', tenantId);
  const breakdown = snapshot?.breakdown as UnifiedBreakdown | undefined;
  return {
    total: snapshot?.total ?? 0,
    byEnvironment: breakdown?.byEnvironment ?? {},
    records: sum(breakdown?.recordsByEnvironment),
    notJoining: breakdown?.notJoining ?? [],
    notJoiningOmitted: sum(breakdown?.notJoiningOmitted),
    rules: breakdown?.rules ?? null,
    asOf,
  };
}

async function rulesOf(clickhouse: ClickHouse, tenantId: string): Promise<object> {
  const changes = await unificationRulesChanges(clickhouse, tenantId);
  const { kinds, limit } = changes[0] ?? UNIFICATION_DEFAULT;
  return { kinds, limit, changes };
}

function sum(counts: Record<string, number> | undefined): number {
  return Object.values(counts ?? {}).reduce((total, count) => total + count, 0);
}
