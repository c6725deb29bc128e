/**
 * One tenant's figures: those of its months and days that are due, and of them those that are not published yet.
 */
import {
  engagedCurve,
  monthlyInteractions,
  type NewestPublished,
  type Positions,
  periodName,
  policyTimeline,
  type Snapshot,
} from '@tally/figures';
import {
  addDays,
  addToMonth,
  always,
  type Day,
  engagedWindow,
  firstDayOf,
  type Month,
  type PolicyTimeline,
  policyName,
} from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { TenantPeriods, TenantWork } from './changed.ts';
import { unifiedSnapshots } from './unified-snapshots.ts';

export interface FigureContext {
  clickhouse: ClickHouse;
  runId: string;
  clock: () => number;
  day: Day;
  positions: Positions;
}

export interface DueTenant {
  work: TenantWork;
  periods: TenantPeriods;
  /** Whether a counting policy was ever decided for it. */
  decided: boolean;
}

type Figure = Pick<Snapshot, 'meter' | 'period' | 'total' | 'breakdown' | 'policy'>;

/** Snapshots of what differs from the newest published ones, in figure, breakdown or policy, or was never published. */
export async function tenantSnapshots(
  context: FigureContext,
  { work, periods, decided }: DueTenant,
  newest: ReadonlyMap<string, NewestPublished>,
): Promise<Snapshot[]> {
  const { clickhouse, runId, clock, day, positions } = context;
  const { tenantId } = work;
  // Before anything is read: a figure is never older than it says.
  const now = clock();
  const policies = decided ? await policyTimeline(clickhouse, tenantId) : always();
  const figures: Figure[] = [
    ...(await interactionFigures(clickhouse, { tenantId, months: periods.months, policies })),
    ...(await engagedFigures(clickhouse, { tenantId, from: periods.engagedFrom, to: day, policies })),
  ];
  if (work.unified) {
    for (const figure of await unifiedSnapshots({ clickhouse, day }, work)) figures.push({ ...figure, policy: '' });
  }
  return figures.flatMap((figure) => {
    const before = newest.get(periodName(tenantId, figure.meter, figure.period));
    if (before && isSame(before, figure)) return [];
    // Later than the one before, whatever the clocks of two machines say: the newest is the figure.
    const computedAt = Math.max(now, (before?.computedAt ?? 0) + 1);
    return [{ tenantId, ...figure, computedAt, runId, positions }];
  });
}

function isSame(before: NewestPublished, { total, breakdown, policy }: Figure): boolean {
  return before.total === total && before.policy === policy && before.breakdown === JSON.stringify(breakdown);
}

async function interactionFigures(
  clickhouse: ClickHouse,
  { tenantId, months, policies }: { tenantId: string; months: readonly Month[]; policies: PolicyTimeline },
): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const range of stretchesOf(months)) {
    for (const figure of await monthlyInteractions(clickhouse, { tenantId, ...range, policies })) {
      const { month, total, byChannel, byEnvironment } = figure;
      const first = firstDayOf(month);
      const policy = policyName(policies, first, addDays(firstDayOf(addToMonth(month, 1)), -1));
      figures.push({ meter: 'interactions', period: first, total, breakdown: { byChannel, byEnvironment }, policy });
    }
  }
  return figures;
}

/** Months that follow each other, asked for at once. */
function stretchesOf(months: readonly Month[]): { from: Month; to: Month }[] {
  const stretches: { from: Month; to: Month }[] = [];
  for (const month of months) {
    const last = stretches.at(-1);
    if (last && addToMonth(last.to, 1) === month) last.to = month;
    else stretches.push({ from: month, to: month });
  }
  return stretches;
}

async function engagedFigures(
  clickhouse: ClickHouse,
  { tenantId, from, to, policies }: { tenantId: string; from: Day | undefined; to: Day; policies: PolicyTimeline },
): Promise<Figure[]> {
  if (from === undefined) return [];
  const days = await engagedCurve(clickhouse, { tenantId, from, to, policies });
  return days.map(({ day, total, byEnvironment, byEntityType }) => ({
    meter: 'engaged',
    period: day,
    total,
    breakdown: { byEnvironment, byEntityType },
    policy: policyName(policies, engagedWindow(day).first, day),
  }));
}
