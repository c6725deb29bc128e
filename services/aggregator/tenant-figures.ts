/**
 * One tenant's three meters as snapshots.
 */
import {
  engagedPeople,
  type MonthlyInteractions,
  monthlyInteractions,
  monthsWithInteractions,
  newestSnapshots,
  type Positions,
  type Snapshot,
  type UnifiedBreakdown,
  unifiedPeople,
} from '@tally/figures';
import { type CountingPolicy, type Day, firstDayOf } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { TenantWork } from './changed.ts';

export interface FigureContext {
  clickhouse: ClickHouse;
  runId: string;
  /** Milliseconds since 1970-01-01 UTC. */
  now: number;
  day: Day;
  policy: CountingPolicy;
  positions: Positions;
}

/** Snapshots of everything that is new or different since the last ones. */
export async function tenantSnapshots(context: FigureContext, work: TenantWork): Promise<Snapshot[]> {
  return [
    ...(await interactionSnapshots(context, work.tenantId)),
    await engagedSnapshot(context, work.tenantId),
    ...(await unifiedSnapshots(context, work)),
  ];
}

async function interactionSnapshots(context: FigureContext, tenantId: string): Promise<Snapshot[]> {
  const { clickhouse, policy } = context;
  const range = await monthsWithInteractions(clickhouse, tenantId);
  if (!range) return [];
  const published = await publishedMonths(clickhouse, tenantId, policy.name);
  const months = await monthlyInteractions(clickhouse, { tenantId, ...range, policy });
  return months
    .filter((figure) => published.get(firstDayOf(figure.month)) !== JSON.stringify(breakdownOf(figure)))
    .map((figure) =>
      snapshot(context, tenantId, {
        meter: 'interactions',
        period: firstDayOf(figure.month),
        total: figure.total,
        breakdown: breakdownOf(figure),
      }),
    );
}

function breakdownOf({ byChannel, byEnvironment }: MonthlyInteractions): object {
  return { byChannel, byEnvironment };
}

async function publishedMonths(clickhouse: ClickHouse, tenantId: string, policy: string): Promise<Map<Day, string>> {
  const rows = await clickhouse.query<{ period: string; newest: string }>(
    `SELECT period, argMax(breakdown, computed_at) AS newest
     FROM snapshots
     WHERE tenant_id = {tenantId:String} AND meter = 'interactions' AND policy = {policy:String}
     GROUP BY period`,
    { tenantId, policy },
  );
  return new Map(rows.map(({ period, newest }) => [period, newest]));
}

async function engagedSnapshot(context: FigureContext, tenantId: string): Promise<Snapshot> {
  const { clickhouse, day, policy } = context;
  const { total, ...breakdown } = await engagedPeople(clickhouse, { tenantId, day, policy });
  return snapshot(context, tenantId, { meter: 'engaged', period: day, total, breakdown });
}

/** Environments whose records did not change keep the figure they had. */
async function unifiedSnapshots(context: FigureContext, work: TenantWork): Promise<Snapshot[]> {
  const { clickhouse, day } = context;
  const [previous] = await newestSnapshots(clickhouse, 'unified', work.tenantId);
  if (work.profileEnvironments.length === 0 && (!previous || previous.period === day)) return [];
  const before = previous?.breakdown as UnifiedBreakdown | undefined;
  const byEnvironment = { ...before?.byEnvironment };
  const recordsByEnvironment = { ...before?.recordsByEnvironment };
  for (const environmentId of work.profileEnvironments) {
    const { people, records } = await unifiedPeople(clickhouse, { tenantId: work.tenantId, environmentId });
    byEnvironment[environmentId] = people;
    recordsByEnvironment[environmentId] = records;
  }
  const total = Object.values(byEnvironment).reduce((sum, people) => sum + people, 0);
  const breakdown: UnifiedBreakdown = { byEnvironment, recordsByEnvironment };
  return [snapshot(context, work.tenantId, { meter: 'unified', period: day, total, breakdown })];
}

function snapshot(
  { runId, now, policy, positions }: FigureContext,
  tenantId: string,
  figure: Pick<Snapshot, 'meter' | 'period' | 'total' | 'breakdown'>,
): Snapshot {
  return { tenantId, ...figure, policy: policy.name, computedAt: now, runId, positions };
}
