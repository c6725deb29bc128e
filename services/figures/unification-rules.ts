/**
 * How a tenant's records are unified: which kinds of identifiers join them, and how many records may share one. Every
 * change is kept with who made it, when and why.
 */
import { randomUUID } from 'node:crypto';
import { type ClickHouse, dateTime64 } from '@tally/platform/clickhouse';

export interface UnificationRules {
  /** Kinds of identifiers that join records, sorted; null: every kind. */
  kinds: string[] | null;
  /** An identifier that more records of an environment than this share joins nobody. */
  limit: number;
}

export interface UnificationRulesChange extends UnificationRules {
  /** ISO 8601, UTC. */
  setAt: string;
  by: string;
  because: string;
}

export const UNIFICATION_DEFAULT: UnificationRules = { kinds: null, limit: 10_000 };

/** Changes of a tenant that are listed at once. */
const CHANGES_LISTED_MAX = 1_000;

/** A tenant's changes of its rules, the newest first; that one holds. Empty where the default holds. */
export async function unificationRulesChanges(
  clickhouse: ClickHouse,
  tenantId: string,
  limit = CHANGES_LISTED_MAX,
): Promise<UnificationRulesChange[]> {
  const rows = await clickhouse.query<{ at: string; kinds: string[]; limit: number; by: string; because: string }>(
    `SELECT toUnixTimestamp64Milli(set_at) AS at, kinds, shared_by_max AS limit, by, because
     FROM unification_rules
     WHERE tenant_id = {tenantId:String}
     ORDER BY set_at DESC, change_id DESC
     LIMIT {limit:UInt32}`,
    { tenantId, limit },
  );
  return rows.map(({ at, kinds, ...rest }) => ({
    kinds: kinds.length === 0 ? null : kinds,
    ...rest,
    setAt: new Date(Number(at)).toISOString(),
  }));
}

/** The rules that hold for a tenant now. */
export async function unificationRules(clickhouse: ClickHouse, tenantId: string): Promise<UnificationRules> {
  const [newest] = await unificationRulesChanges(clickhouse, tenantId, 1);
  return newest ? { kinds: newest.kinds, limit: newest.limit } : UNIFICATION_DEFAULT;
}

/**
 * From now on these rules hold, also when this machine's clock is behind that of the last change; the aggregator's next
 * run works the tenant out again.
 */
export async function setUnificationRules(
  clickhouse: ClickHouse,
  tenantId: string,
  { kinds, limit, by, because, now }: UnificationRules & { by: string; because: string; now: number },
): Promise<void> {
  const [newest] = await unificationRulesChanges(clickhouse, tenantId, 1);
  const setAt = Math.max(now, newest ? Date.parse(newest.setAt) + 1 : 0);
  await clickhouse.insert('unification_rules', [
    {
      tenant_id: tenantId,
      set_at: dateTime64(setAt),
      change_id: randomUUID(),
      kinds: kinds === null ? [] : [...new Set(kinds)].sort(),
      shared_by_max: limit,
      by,
      because,
    },
  ]);
}

/** Figures published before there were rules have none. */
export function sameRules(a: UnificationRules | undefined, b: UnificationRules): boolean {
  return a !== undefined && a.limit === b.limit && JSON.stringify(a.kinds) === JSON.stringify(b.kinds);
}

const PUBLISHED_UNDER = `
  SELECT tenant_id, argMax(JSONExtractRaw(breakdown, 'rules'), (period, computed_at)) AS under
  FROM snapshots
  WHERE meter = 'unified' AND tenant_id IN (SELECT tenant_id FROM unification_rules)
  GROUP BY tenant_id`;

/** Tenants whose published unified people were worked out under other rules than hold now. */
export async function tenantsUnderOtherRules(clickhouse: ClickHouse): Promise<string[]> {
  const rows = await clickhouse.query<{ tenant_id: string; under: string }>(PUBLISHED_UNDER);
  const tenants: string[] = [];
  for (const { tenant_id, under } of rows) {
    const published = under === '' ? undefined : (JSON.parse(under) as UnificationRules);
    if (!sameRules(published, await unificationRules(clickhouse, tenant_id))) tenants.push(tenant_id);
  }
  return tenants;
}
