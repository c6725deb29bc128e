/**
 * One tenant's figures: those of its months and days that are due, and of them those that are not published yet.
 */
import {
  engagedCurves,
  monthlyInteractionsOf,
  type NewestPublished,
  type Positions,
  periodName,
  policyTimeline,
  type Snapshot,
} from '@tally/figures';
import {
  always,
  type Day,
  engagedWindow,
  firstDayOf,
  lastDayOf,
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

/**
 * Snapshots of what differs from the newest published ones, in figure, breakdown or policy, or was never published by a
 * run on record.
 * @param known the newest ones, and months and days where they were worked out for several tenants at once
 */
export async function tenantSnapshots(
  context: FigureContext,
  tenant: DueTenant,
  { newest, together }: { newest: ReadonlyMap<string, NewestPublished>; together: Together | undefined },
): Promise<Snapshot[]> {
  const { clickhouse, runId, clock, day, positions } = context;
  const { work } = tenant;
  const { tenantId } = work;
  // Before anything is read: a figure is never older than it says.
  const now = together?.at ?? clock();
  const figures = [...(together?.figures.get(tenantId) ?? (await figuresAlone(context, tenant)))];
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

/** One of a run that never came on record is published again: it is not relied on. */
function isSame(before: NewestPublished, { total, breakdown, policy }: Figure): boolean {
  return (
    before.onRecord &&
    before.total === total &&
    before.policy === policy &&
    before.breakdown === JSON.stringify(breakdown)
  );
}

async function figuresAlone(context: FigureContext, tenant: DueTenant): Promise<readonly Figure[]> {
  const { tenantId } = tenant.work;
  const policies = tenant.decided ? await policyTimeline(context.clickhouse, tenantId) : always();
  return (await figuresTogether(context, [tenant], policies)).figures.get(tenantId) ?? [];
}

export interface Together {
  /** Before anything was read, milliseconds since 1970-01-01 UTC. */
  at: number;
  figures: ReadonlyMap<string, readonly Figure[]>;
}

/** Months and days of several tenants under the same policies, in a few queries for all of them. */
export async function figuresTogether(
  { clickhouse, clock, day }: FigureContext,
  due: readonly DueTenant[],
  policies: PolicyTimeline = always(),
): Promise<Together> {
  const at = clock();
  const figures = new Map(due.map(({ work }): [string, Figure[]] => [work.tenantId, []]));
  await addInteractions(clickhouse, figures, { due, policies });
  await addEngaged(clickhouse, figures, { due, policies, to: day });
  return { at, figures };
}

interface DueTogether {
  due: readonly DueTenant[];
  policies: PolicyTimeline;
}

async function addInteractions(
  clickhouse: ClickHouse,
  figures: ReadonlyMap<string, Figure[]>,
  { due, policies }: DueTogether,
): Promise<void> {
  const wanted = due.filter(({ periods }) => periods.months.length > 0);
  const all = wanted.flatMap(({ periods }) => periods.months).sort();
  const [from, to] = [all[0], all.at(-1)];
  if (from === undefined || to === undefined) return;
  const tenants = wanted.map(({ work }) => work.tenantId);
  const months = await monthlyInteractionsOf(clickhouse, { tenants, from, to, policies });
  for (const { work, periods } of wanted) {
    const due = new Set<Month>(periods.months);
    for (const { month, total, byChannel, byEnvironment } of months.get(work.tenantId) ?? []) {
      if (!due.has(month)) continue;
      const first = firstDayOf(month);
      const policy = policyName(policies, first, lastDayOf(month));
      const breakdown = { byChannel, byEnvironment };
      figures.get(work.tenantId)?.push({ meter: 'interactions', period: first, total, breakdown, policy });
    }
  }
}

async function addEngaged(
  clickhouse: ClickHouse,
  figures: ReadonlyMap<string, Figure[]>,
  { due, policies, to }: DueTogether & { to: Day },
): Promise<void> {
  const wanted = due.filter(({ periods }) => periods.engagedFrom !== undefined);
  const from = wanted.map(({ periods }) => periods.engagedFrom ?? to).sort()[0];
  if (from === undefined) return;
  const tenants = wanted.map(({ work }) => work.tenantId);
  const names = new Map<Day, string>();
  const curves = await engagedCurves(clickhouse, { tenants, from, to, policies });
  for (const { work, periods } of wanted) {
    for (const { day, total, byEnvironment, byEntityType } of curves.get(work.tenantId) ?? []) {
      if (day < (periods.engagedFrom ?? to)) continue;
      const policy = names.get(day) ?? policyName(policies, engagedWindow(day).first, day);
      names.set(day, policy);
      const breakdown = { byEnvironment, byEntityType };
      figures.get(work.tenantId)?.push({ meter: 'engaged', period: day, total, breakdown, policy });
    }
  }
}
