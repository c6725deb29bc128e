/**
 * Which counting policies are in force for a tenant, and what was decided before. (Rules: "Policies".)
 */
import { type PolicyStart, type PolicyTimeline, policyNamed, timelineOf } from '@tally/metering';
import { type ClickHouse, dateTime64 } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';

export interface PolicyDecision {
  tenantId: string;
  /** Milliseconds since 1970-01-01 UTC. */
  changedAt: number;
  changedBy: string;
  because: string;
  /** The whole timeline from then on. */
  starts: PolicyStart[];
}

interface Row {
  tenant_id: string;
  changed: string;
  changed_by: string;
  because: string;
  starts: string[];
  policies: string[];
}

const DECISIONS = `
  SELECT tenant_id, toUnixTimestamp64Milli(changed_at) AS changed, changed_by, because, starts, policies
  FROM counting_policies`;

/** What was decided for a tenant, newest first. */
export async function policyDecisions(clickhouse: ClickHouse, tenantId: string): Promise<PolicyDecision[]> {
  const sql = `${DECISIONS} WHERE tenant_id = {tenantId:String} ORDER BY changed_at DESC`;
  return (await clickhouse.query<Row>(sql, { tenantId })).map(decisionOf);
}

/** What is in force by decision, of each of some tenants; absent where nothing was ever decided. */
export async function policyStarts(
  clickhouse: ClickHouse,
  tenants: readonly string[],
): Promise<Map<string, PolicyStart[]>> {
  const sql = `${DECISIONS} WHERE tenant_id IN {tenants:Array(String)} ORDER BY changed_at DESC LIMIT 1 BY tenant_id`;
  const newest = (await clickhouse.query<Row>(sql, { tenants: [...tenants] })).map(decisionOf);
  return new Map(newest.map(({ tenantId, starts }) => [tenantId, starts]));
}

/** When something was last decided, of every tenant for which it was; milliseconds since 1970-01-01 UTC. */
export async function lastPolicyDecisions(clickhouse: ClickHouse): Promise<Map<string, number>> {
  const rows = await clickhouse.query<{ tenant_id: string; changed: string }>(
    'SELECT tenant_id, toUnixTimestamp64Milli(max(changed_at)) AS changed FROM counting_policies GROUP BY tenant_id',
  );
  return new Map(rows.map(({ tenant_id, changed }) => [tenant_id, Number(changed)]));
}

/** The policies in force for a tenant. Throws `POLICY_UNKNOWN` for one that this version does not know. */
export async function policyTimeline(clickhouse: ClickHouse, tenantId: string): Promise<PolicyTimeline> {
  return timelineOf((await policyStarts(clickhouse, [tenantId])).get(tenantId) ?? []);
}

/** What was decided last holds: also in the same millisecond, or when this machine's clock is behind that of before. */
export async function decidePolicies(clickhouse: ClickHouse, decision: PolicyDecision): Promise<void> {
  const { tenantId, changedBy, because, starts } = decision;
  const { newest } = await clickhouse.queryOne<{ newest: string }>(
    'SELECT toUnixTimestamp64Milli(max(changed_at)) AS newest FROM counting_policies WHERE tenant_id = {tenantId:String}',
    { tenantId },
  );
  const changedAt = Math.max(decision.changedAt, Number(newest) + 1);
  await clickhouse.insert('counting_policies', [
    {
      tenant_id: tenantId,
      changed_at: dateTime64(changedAt),
      changed_by: changedBy,
      because,
      starts: starts.map(({ from }) => from),
      policies: starts.map(({ policy }) => policy.name),
    },
  ]);
}

function decisionOf({ tenant_id, changed, changed_by, because, starts, policies }: Row): PolicyDecision {
  return {
    tenantId: tenant_id,
    changedAt: Number(changed),
    changedBy: changed_by,
    because,
    starts: starts.map((from, index) => ({ from, policy: knownPolicy(policies[index] ?? '') })),
  };
}

/** A policy that is not in the catalogue any more must not be taken for another: no figure is better than a wrong one. */
function knownPolicy(name: string): PolicyStart['policy'] {
  const policy = policyNamed(name);
  if (policy) return policy;
  throw new TallyError(`a counting policy ${name} is decided that this version does not know`, {
    code: 'POLICY_UNKNOWN',
    retriable: false,
  });
}
