/**
 * Counting policies: which is in force for a tenant from which day, what was decided, and how to decide otherwise.
 */
import { decidePolicies, type PolicyDecision, policyDecisions } from '@tally/figures';
import { BEGINNING, DEFAULT_POLICY, POLICIES, type PolicyStart, timelineOf } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { FastifyInstance } from '@tally/platform/http';
import { z } from 'zod';
import { checked, day, policy, tenantOf } from './parameters.ts';

const STARTS_MAX = 100;
const TEXT_CHARS_MAX = 1_000;

export const policiesBody = z.strictObject({
  policies: z
    .array(z.strictObject({ from: day.nullable(), policy }))
    .max(STARTS_MAX)
    .refine((starts) => new Set(starts.map(({ from }) => from ?? BEGINNING)).size === starts.length, {
      message: 'must not have two policies from one day',
    }),
  because: z.string().trim().min(1).max(TEXT_CHARS_MAX),
  by: z.string().trim().min(1).max(TEXT_CHARS_MAX).default('admin'),
});

interface PolicyRouteOptions {
  clickhouse: ClickHouse;
  clock: () => number;
}

/** `GET` and `PUT /v1/tenants/{t}/policies`; a `PUT` replaces the whole timeline, and what was before stays on record. */
export function addPolicyRoutes(app: FastifyInstance, { clickhouse, clock }: PolicyRouteOptions): void {
  const answer = async (tenantId: string): Promise<object> => {
    const decisions = await policyDecisions(clickhouse, tenantId);
    return {
      policies: startsAnswered(timelineOf(decisions[0]?.starts ?? [])),
      decisions: decisions.map(({ changedAt, changedBy, because, starts }) => ({
        at: new Date(changedAt).toISOString(),
        by: changedBy,
        because,
        policies: startsAnswered(starts),
      })),
      known: POLICIES,
      default: DEFAULT_POLICY,
    };
  };

  app.get('/v1/tenants/:tenantId/policies', ({ params }) => answer(tenantOf(params)));

  app.put('/v1/tenants/:tenantId/policies', async ({ params, body }) => {
    const tenantId = tenantOf(params);
    const { policies, because, by } = checked(policiesBody, body);
    const starts = policies
      .map((start): PolicyStart => ({ from: start.from ?? BEGINNING, policy: start.policy }))
      .sort((a, b) => (a.from < b.from ? -1 : 1));
    const decided: PolicyDecision = { tenantId, changedAt: clock(), changedBy: by, because, starts };
    await decidePolicies(clickhouse, decided);
    return answer(tenantId);
  });
}

function startsAnswered(starts: readonly PolicyStart[]): { from: string | null; policy: string }[] {
  return starts.map(({ from, policy: { name } }) => ({ from: from === BEGINNING ? null : from, policy: name }));
}
