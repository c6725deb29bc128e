/**
 * Published figures. A snapshot is written once and never changed; the newest of a period is the figure, the older ones
 * say what was published before.
 */
import type { Day } from '@tally/metering';
import { type ClickHouse, dateTime64 } from '@tally/platform/clickhouse';
import type { Positions } from './tenants.ts';
import type { UnificationRules } from './unification-rules.ts';
import type { SharedIdentifier } from './unified.ts';

export type Meter = 'interactions' | 'engaged' | 'unified';

export interface Snapshot {
  tenantId: string;
  meter: Meter;
  /** The month's first day for interactions, else the day. */
  period: Day;
  policy: string;
  /** Milliseconds since 1970-01-01 UTC. */
  computedAt: number;
  runId: string;
  total: number;
  /** As the API answers it. */
  breakdown: unknown;
  positions: Positions;
}

/** How fresh an answer is. */
export interface AsOf {
  /** ISO 8601, UTC. */
  computedAt: string;
  positions: Positions;
}

export interface UnifiedBreakdown {
  byEnvironment: Record<string, number>;
  recordsByEnvironment: Record<string, number>;
  /** Absent, as what follows, from snapshots published before there were rules. */
  rules?: UnificationRules;
  /** Identifiers that too many records share. */
  notJoining?: (SharedIdentifier & { environmentId: string })[];
  /** How many more there are, by environment. */
  notJoiningOmitted?: Record<string, number>;
  /**
   * The highest log position of each partition that an environment was read up to, 64 bits as text; an environment has
   * none when its figure is from before they were noted.
   */
  readUpTo?: Record<string, string[]>;
}

export async function writeSnapshots(clickhouse: ClickHouse, snapshots: readonly Snapshot[]): Promise<void> {
  await clickhouse.insert(
    'snapshots',
    snapshots.map(({ tenantId, meter, period, policy, computedAt, runId, total, breakdown, positions }) => ({
      tenant_id: tenantId,
      meter,
      period,
      policy,
      computed_at: dateTime64(computedAt),
      run_id: runId,
      total,
      breakdown: JSON.stringify(breakdown),
      positions,
    })),
  );
}

interface SnapshotRow {
  tenant_id: string;
  meter: Meter;
  period: string;
  policy: string;
  at: string;
  run_id: string;
  total: string;
  breakdown: string;
  positions: Record<string, string>;
}

const NEWEST = `
  SELECT
    tenant_id, meter, period, policy, toUnixTimestamp64Milli(computed_at) AS at, run_id, total, breakdown, positions
  FROM snapshots
  WHERE meter = {meter:String} AND ({tenantId:String} = '' OR tenant_id = {tenantId:String})
  ORDER BY tenant_id, period DESC, computed_at DESC
  LIMIT 1 BY tenant_id`;

/** The newest snapshot of a meter, of one tenant or of all (`tenantId` empty). */
export async function newestSnapshots(clickhouse: ClickHouse, meter: Meter, tenantId = ''): Promise<Snapshot[]> {
  const rows = await clickhouse.query<SnapshotRow>(NEWEST, { meter, tenantId });
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    meter: row.meter,
    period: row.period,
    policy: row.policy,
    computedAt: Number(row.at),
    runId: row.run_id,
    total: Number(row.total),
    breakdown: JSON.parse(row.breakdown),
    positions: numbers(row.positions),
  }));
}

/** 64-bit offsets come as text. */
export function numbers(positions: Record<string, string>): Positions {
  return Object.fromEntries(Object.entries(positions).map(([name, offset]) => [name, Number(offset)]));
}
