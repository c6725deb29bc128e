/**
 * A tenant's quota on a day: what is owned, used and left, for the tenant as a whole; and what each environment used beside
 * the others. (Rules: "Quotas".)
 */
import {
  addDays,
  addTo,
  byId,
  countOf,
  type Day,
  type Entitlements,
  type Environment,
  engagedWindow,
  entitlementsOn,
  environmentOn,
  firstDayOf,
  interactionAllowance,
  type LicenceLine,
  lastDayOf,
  type Month,
  type MonthOutlook,
  monthOf,
  monthOutlook,
  PACE_DAYS,
  peopleReachedOn,
  policyName,
  type Quota,
  quotaOf,
  type Trial,
  trialsOn,
} from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { type TenantFigures, workedOut } from './current.ts';
import type { EngagedDay } from './engaged-days.ts';
import { environmentVersions } from './environments.ts';
import { type DailyInteractions, dailyInteractions } from './interactions.ts';
import { licenceVersions } from './licences.ts';
import { policyTimeline } from './policies.ts';
import { type UnifiedDay, unifiedHistory } from './unified-history.ts';

interface Reached {
  /** See peopleReachedOn. */
  reachedOn: Day | null;
}

export interface TenantQuota extends Omit<Entitlements, 'engagedPeople' | 'unifiedPeople'> {
  on: Day;
  engagedPeople: Quota & Reached;
  interactions: Quota & MonthOutlook & { month: Month };
  /** `known`: whether a figure was ever published up to the day; without one nothing seems used. */
  unifiedPeople: Quota & Reached & { known: boolean };
  environments: EnvironmentUsage[];
  trials: Trial[];
  policy: string;
}

interface UsedBeside {
  used: number;
  /** What all other environments of the tenant used. */
  others: number;
}

export interface EnvironmentUsage extends Partial<Omit<Environment, 'id'>> {
  id: string;
  registered: boolean;
  engagedPeople: UsedBeside;
  interactions: UsedBeside;
  unifiedPeople: UsedBeside;
}

/**
 * A tenant's quota, from the lines and environments on record now and the policies of each day.
 * @param figures where the tenant's are from; default: worked out
 */
export async function tenantQuota(
  clickhouse: ClickHouse,
  { tenantId, on, today }: { tenantId: string; on: Day; today: Day },
  figures: TenantFigures = workedOut(clickhouse, tenantId),
): Promise<TenantQuota> {
  const [versions, registered, policies] = await Promise.all([
    licenceVersions(clickhouse, tenantId),
    environmentVersions(clickhouse, tenantId),
    policyTimeline(clickhouse, tenantId),
  ]);
  const lines = versions[0]?.lines ?? [];
  const month = monthOf(on);
  const [first, last] = [firstDayOf(month), lastDayOf(month)];
  const from = addDays(on, -PACE_DAYS);
  const [engaged, days, unified] = await Promise.all([
    figures.engagedCurve({ policies, from, to: on }),
    dailyInteractions(clickhouse, { tenantId, policies, first, last }),
    // Nothing has been published of days to come.
    unifiedHistory(clickhouse, { tenantId, from, to: on < today ? on : today }),
  ]);
  const { engagedPeople: _, unifiedPeople: __, ...entitlements } = entitlementsOn(lines, on);
  return {
    on,
    engagedPeople: peopleQuota(engaged, (day) => entitlementsOn(lines, day).engagedPeople, on),
    interactions: monthQuota(days, lines, { month, on, today }),
    unifiedPeople: {
      ...peopleQuota(unified, (day) => entitlementsOn(lines, day).unifiedPeople, on),
      known: unified.length > 0,
    },
    ...entitlements,
    environments: environmentUsage(registered[0]?.lines ?? [], { engaged, days, unified, on }),
    trials: trialsOn(versions, on),
    policy: policyName(policies, engagedWindow(on).first, last),
  };
}

function peopleQuota(
  curve: readonly (EngagedDay | UnifiedDay)[],
  ownedOn: (day: Day) => number,
  on: Day,
): Quota & Reached {
  const used = curve.at(-1)?.total ?? 0;
  return { ...quotaOf(ownedOn(on), used), reachedOn: peopleReachedOn(curve, ownedOn) };
}

function monthQuota(
  days: readonly DailyInteractions[],
  lines: readonly LicenceLine[],
  { month, on, today }: { month: Month; on: Day; today: Day },
): TenantQuota['interactions'] {
  const owned = interactionAllowance(lines, month);
  const used = days.reduce((sum, { total }) => sum + total, 0);
  return { month, ...quotaOf(owned, used), ...monthOutlook({ month, days, owned, on, today }) };
}

/** A line for each environment that is registered or has usage, by id. */
function environmentUsage(
  registered: readonly Environment[],
  asked: {
    engaged: readonly EngagedDay[];
    days: readonly DailyInteractions[];
    unified: readonly UnifiedDay[];
    on: Day;
  },
): EnvironmentUsage[] {
  const engaged = asked.engaged.at(-1)?.byEnvironment ?? {};
  const unified = asked.unified.at(-1)?.byEnvironment ?? {};
  const interactions = byId<number>();
  for (const { byEnvironment } of asked.days) {
    for (const [id, count] of Object.entries(byEnvironment)) addTo(interactions, id, count);
  }
  const used = [engaged, interactions, unified]
    .flatMap(Object.entries<number>)
    .flatMap(([id, of]) => (of > 0 ? id : []));
  const ids = new Set([...registered.map(({ id }) => id), ...used]);
  return [...ids].sort().map((id) => {
    const { id: _, ...environment } = environmentOn(registered, id, asked.on) ?? { id };
    return {
      id,
      registered: 'type' in environment,
      ...environment,
      engagedPeople: besideOthers(engaged, id),
      interactions: besideOthers(interactions, id),
      unifiedPeople: besideOthers(unified, id),
    };
  });
}

function besideOthers(byEnvironment: Readonly<Record<string, number>>, id: string): UsedBeside {
  const total = Object.values(byEnvironment).reduce((sum, count) => sum + count, 0);
  const used = countOf(byEnvironment, id);
  return { used, others: total - used };
}
