/**
 * What was published when. The newest snapshot of a period is the figure, the ones before it are what was told before.
 */
import type { Day } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { type Meter, numbers } from './snapshots.ts';
import type { Positions } from './tenants.ts';

export interface Published {
  /** Milliseconds since 1970-01-01 UTC. */
  computedAt: number;
  total: number;
  breakdown: unknown;
  /** Empty for unified people, to whom no counting policy applies. */
  policy: string;
  runId: string;
  positions: Positions;
}

const HISTORY = `
  SELECT toUnixTimestamp64Milli(computed_at) AS at, total, breakdown, policy, run_id, positions
  FROM snapshots
  WHERE tenant_id = {tenantId:String} AND meter = {meter:String} AND period = {period:Date}
  ORDER BY computed_at DESC
  LIMIT {limit:UInt32}`;

/** The newest snapshots of a period, at most `limit`, the oldest of them first. */
export async function publishedHistory(
  clickhouse: ClickHouse,
  asked: { tenantId: string; meter: Meter; period: Day; limit: number },
): Promise<Published[]> {
  const rows = await clickhouse.query<{
    at: string;
    total: string;
    breakdown: string;
    policy: string;
    run_id: string;
    positions: Record<string, string>;
  }>(HISTORY, asked);
  return rows
    .map(({ at, total, breakdown, policy, run_id, positions }) => ({
      computedAt: Number(at),
      total: Number(total),
      breakdown: JSON.parse(breakdown) as unknown,
      policy,
      runId: run_id,
      positions: numbers(positions),
    }))
    .reverse();
}

/** A figure as it stands in its newest snapshot; `breakdown` is JSON. */
export interface NewestPublished {
  computedAt: number;
  total: number;
  breakdown: string;
  policy: string;
  /** Whether its run is on record: until then, and for ever where the run has died, nobody relies on it. */
  onRecord: boolean;
}

const ON_RECORD = 'run_id IN (SELECT run_id FROM aggregator_runs)';

/** A period's newest snapshot, and the run that made it. */
export interface PublishedPeriod {
  /** Its first day. */
  period: Day;
  total: number;
  /** JSON. */
  breakdown: string;
  policy: string;
  runId: string;
}

const PERIODS = `
  SELECT
    toString(period) AS of_period, toString(tupleElement(newest, 1)) AS of_total, tupleElement(newest, 2) AS parts,
    tupleElement(newest, 3) AS of_policy, toString(tupleElement(newest, 4)) AS of_run
  FROM
  (
    SELECT period, argMax((total, breakdown, policy, run_id), computed_at) AS newest
    FROM snapshots
    WHERE tenant_id = {tenantId:String} AND meter = {meter:String} AND period >= {from:Date} AND period <= {to:Date}
    GROUP BY period
  )`;

/** The newest snapshots of a tenant's periods that begin from one day to another, both included. */
export async function publishedPeriods(
  clickhouse: ClickHouse,
  asked: { tenantId: string; meter: Meter; from: Day; to: Day },
): Promise<PublishedPeriod[]> {
  const rows = await clickhouse.query<Record<'of_period' | 'of_total' | 'parts' | 'of_policy' | 'of_run', string>>(
    PERIODS,
    asked,
  );
  return rows.map(({ of_period, of_total, parts, of_policy, of_run }) => ({
    period: of_period,
    total: Number(of_total),
    breakdown: parts,
    policy: of_policy,
    runId: of_run,
  }));
}

const ENGAGED_UP_TO = `
  SELECT tenant_id, max(period) AS day
  FROM snapshots
  WHERE tenant_id IN {tenants:Array(String)} AND meter = 'engaged' AND period <= {today:Date} AND ${ON_RECORD}
  GROUP BY tenant_id`;

/** The last day up to `today` on which engaged people have a figure of a run on record, of the tenants that have any. */
export async function engagedUpTo(
  clickhouse: ClickHouse,
  { tenants, today }: { tenants: readonly string[]; today: Day },
): Promise<Map<string, Day>> {
  if (tenants.length === 0) return new Map();
  const rows = await clickhouse.query<{ tenant_id: string; day: string }>(ENGAGED_UP_TO, {
    tenants: [...tenants],
    today,
  });
  return new Map(rows.map(({ tenant_id, day }) => [tenant_id, day]));
}

const NEWEST = `
  SELECT
    tenant_id, meter, period, toUnixTimestamp64Milli(max(computed_at)) AS at,
    argMax((snapshots.total, breakdown, policy, ${ON_RECORD}), computed_at) AS figure
  FROM snapshots
  WHERE tenant_id IN {tenants:Array(String)} AND period >= {from:Date}
  GROUP BY tenant_id, meter, period`;

/** The newest snapshots of some tenants from a day on, by `periodName`. */
export async function newestPublished(
  clickhouse: ClickHouse,
  asked: { tenants: readonly string[]; from: Day },
): Promise<Map<string, NewestPublished>> {
  if (asked.tenants.length === 0) return new Map();
  const rows = await clickhouse.query<{
    tenant_id: string;
    meter: Meter;
    period: string;
    at: string;
    figure: [total: string, breakdown: string, policy: string, onRecord: number];
  }>(NEWEST, { tenants: [...asked.tenants], from: asked.from });
  return new Map(
    rows.map(({ tenant_id, meter, period, at, figure: [total, breakdown, policy, onRecord] }) => [
      periodName(tenant_id, meter, period),
      { computedAt: Number(at), total: Number(total), breakdown, policy, onRecord: onRecord !== 0 },
    ]),
  );
}

/** A tenant's newest published totals, each meter's by period, ascending. */
export type PublishedTotals = Record<Meter, { period: Day; total: number }[]>;

const TOTALS = `
  SELECT tenant_id, meter, groupArray((toString(period), total)) AS totals
  FROM
  (
    SELECT tenant_id, meter, period, argMax(snapshots.total, computed_at) AS total
    FROM snapshots
    WHERE tenant_id IN {tenants:Array(String)} AND period >= {from:Date} AND period <= {to:Date}
    GROUP BY tenant_id, meter, period
    ORDER BY tenant_id, meter, period
  )
  GROUP BY tenant_id, meter`;

/** The totals of some tenants for the periods from one day to another, both included; tenants without any are absent. */
export async function publishedTotals(
  clickhouse: ClickHouse,
  { tenants, from, to }: { tenants: readonly string[]; from: Day; to: Day },
): Promise<Map<string, PublishedTotals>> {
  const rows = await clickhouse.query<{ tenant_id: string; meter: Meter; totals: [Day, string][] }>(TOTALS, {
    tenants: [...tenants],
    from,
    to,
  });
  const all = new Map<string, PublishedTotals>();
  for (const { tenant_id, meter, totals } of rows) {
    const own = all.get(tenant_id) ?? { interactions: [], engaged: [], unified: [] };
    own[meter] = totals.map(([period, total]) => ({ period, total: Number(total) })).sort(byPeriod);
    all.set(tenant_id, own);
  }
  return all;
}

function byPeriod(a: { period: Day }, b: { period: Day }): number {
  return a.period < b.period ? -1 : 1;
}

/** One name for a tenant's figure of a period; a tenant's id has no slash. */
export function periodName(tenantId: string, meter: Meter, period: Day): string {
  return `${tenantId}/${meter}/${period}`;
}

/** Tenants that have a figure of a meter for a day, from a run on record. */
export async function tenantsWithFigure(
  clickhouse: ClickHouse,
  { meter, day }: { meter: Meter; day: Day },
): Promise<Set<string>> {
  const rows = await clickhouse.query<{ tenant_id: string }>(
    `SELECT DISTINCT tenant_id FROM snapshots WHERE meter = {meter:String} AND period = {day:Date} AND ${ON_RECORD}`,
    { meter, day },
  );
  return new Set(rows.map(({ tenant_id }) => tenant_id));
}
