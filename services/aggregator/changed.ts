/**
 * Which tenants a run has to work out. Pure.
 */
import type { ActiveEnvironment } from '@tally/figures';
import type { Day } from '@tally/metering';
import type { Run, RunScope } from './runs.ts';

export interface TenantWork {
  tenantId: string;
  /** Environments whose unified people are to be worked out again. */
  profileEnvironments: string[];
}

export interface Work {
  scope: RunScope;
  tenants: TenantWork[];
}

/**
 * A tenant has changed when its last position was not yet committed at the last run's start: what is committed was
 * written before, in every table, so that run has seen it. On a new UTC day every tenant is worked out, since people
 * drop out without any event.
 */
export function workOf(
  active: readonly ActiveEnvironment[],
  last: Run | undefined,
  today: { day: Day; profilesTopic: string },
): Work {
  const scope: RunScope = last === undefined || last.day !== today.day ? 'all' : 'changed';
  const tenants = new Map<string, TenantWork>();
  const failed = new Set(last?.failed);
  for (const { tenantId, environmentId, topic, partition, last: offset } of active) {
    const changed = offset >= (last?.positions[`${topic}/${partition}`] ?? 0);
    if (!changed && scope === 'changed' && !failed.has(tenantId)) continue;
    let work = tenants.get(tenantId);
    if (!work) {
      work = { tenantId, profileEnvironments: [] };
      tenants.set(tenantId, work);
    }
    const profilesChanged = topic === today.profilesTopic && (changed || failed.has(tenantId) || last === undefined);
    if (profilesChanged && !work.profileEnvironments.includes(environmentId)) {
      work.profileEnvironments.push(environmentId);
    }
  }
  return { scope, tenants: [...tenants.values()] };
}
