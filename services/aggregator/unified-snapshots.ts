/**
 * Unified people of a tenant as a snapshot: worked out again for environments whose records changed, and for all of them
 * when the rules did.
 */
import {
  newestSnapshots,
  type Snapshot,
  sameRules,
  type UnifiedBreakdown,
  unificationRules,
  unifiedPeople,
} from '@tally/figures';
import { byId, type Day } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { TenantWork } from './changed.ts';

type UnifiedFigure = Pick<Snapshot, 'meter' | 'period' | 'total' | 'breakdown'>;

/** At most one; none where nothing changed since the day's last one. Environments that did not change keep their figure. */
export async function unifiedSnapshots(
  { clickhouse, day }: { clickhouse: ClickHouse; day: Day },
  { tenantId, profileEnvironments }: TenantWork,
): Promise<UnifiedFigure[]> {
  const [previous] = await newestSnapshots(clickhouse, 'unified', tenantId);
  const before = previous?.breakdown as UnifiedBreakdown | undefined;
  const rules = await unificationRules(clickhouse, tenantId);
  const environments = new Set(profileEnvironments);
  if (before && !sameRules(before.rules, rules)) {
    for (const environmentId of Object.keys(before.byEnvironment)) environments.add(environmentId);
  }
  if (environments.size === 0 && (!previous || previous.period === day)) return [];
  const byEnvironment = Object.assign(byId<number>(), before?.byEnvironment);
  const recordsByEnvironment = Object.assign(byId<number>(), before?.recordsByEnvironment);
  const notJoiningOmitted = Object.assign(byId<number>(), before?.notJoiningOmitted);
  const readUpTo = Object.assign(byId<string[]>(), before?.readUpTo);
  const notJoining = (before?.notJoining ?? []).filter(({ environmentId }) => !environments.has(environmentId));
  for (const environmentId of environments) {
    const figure = await unifiedPeople(clickhouse, { tenantId, environmentId, rules });
    byEnvironment[environmentId] = figure.people;
    recordsByEnvironment[environmentId] = figure.records;
    notJoiningOmitted[environmentId] = figure.sharedOmitted;
    readUpTo[environmentId] = figure.readUpTo;
    notJoining.push(...figure.shared.map((identifier) => ({ environmentId, ...identifier })));
  }
  const total = Object.values(byEnvironment).reduce((sum, people) => sum + people, 0);
  const breakdown: UnifiedBreakdown = {
    byEnvironment,
    recordsByEnvironment,
    notJoining,
    notJoiningOmitted,
    rules,
    readUpTo,
  };
  return [{ meter: 'unified', period: day, total, breakdown }];
}
