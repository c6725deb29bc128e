/**
 * Which tenants a run has to work out, and which of their months and days. Pure.
 */
import {
  type ActiveEnvironment,
  ENGAGED_MONTHS_MAX,
  placeName,
  type RunScope,
  type Seen,
  type TenantDays,
  type Unseen,
  unseenSince,
} from '@tally/figures';
import { addDays, addMonths, type Day, type Month } from '@tally/metering';

export interface TenantWork {
  tenantId: string;
  /** Environments whose unified people are to be worked out again. */
  profileEnvironments: string[];
  /** Whether anything is to be asked about unified people. */
  unified: boolean;
  /** Every month and day, whatever changed. */
  everything: boolean;
}

export interface Work {
  scope: RunScope;
  tenants: TenantWork[];
  /** Where what is new begins; in other places, and where there was no run before, all of it is. */
  unseen: Unseen[];
  /** Tenants that have no figure for today and are left to a later run. */
  waiting: number;
}

export interface Today {
  profilesTopic: string;
  /** Tenants of which every month and day is to be worked out, since what counts was decided anew. */
  otherPolicies: ReadonlySet<string>;
  /** Tenants whose unified people are published under other rules than hold now. */
  otherRules: ReadonlySet<string>;
  /** Tenants that have today's figure of engaged people, and of unified people. */
  engagedDone: ReadonlySet<string>;
  unifiedDone: ReadonlySet<string>;
  /** Share of all tenants that should have today's figures by now, 0 to 1. */
  share: number;
}

interface Candidate extends TenantWork {
  changed: boolean;
  allProfileEnvironments: string[];
}

/**
 * Tenants that changed, failed or are under new policies or rules, at once; of those that only have no figure for today
 * yet, since people drop out without any event, as many as the share asks for.
 */
export function workOf(active: readonly ActiveEnvironment[], seen: Seen | undefined, today: Today): Work {
  const unseen = seen ? unseenSince(active, seen) : [];
  const all = candidates(active, unseen, today.profilesTopic);
  const taken = new Map<string, TenantWork>();
  const waiting: Candidate[] = [];
  for (const candidate of all) {
    const { tenantId, changed, allProfileEnvironments } = candidate;
    const again = !seen || seen.failed.has(tenantId);
    const otherRules = today.otherRules.has(tenantId);
    if (again) candidate.profileEnvironments = allProfileEnvironments;
    candidate.everything = again || today.otherPolicies.has(tenantId);
    candidate.unified =
      otherRules ||
      candidate.profileEnvironments.length > 0 ||
      (allProfileEnvironments.length > 0 && !today.unifiedDone.has(tenantId));
    if (changed || candidate.everything || otherRules) taken.set(tenantId, workAlone(candidate));
    else if (!today.engagedDone.has(tenantId)) waiting.push(candidate);
  }
  const done = all.length - waiting.length;
  const slice = waiting.slice(0, Math.max(0, Math.ceil(all.length * today.share) - done));
  for (const candidate of slice) taken.set(candidate.tenantId, workAlone(candidate));
  return {
    scope: seen ? 'changed' : 'all',
    tenants: [...taken.values()],
    unseen,
    waiting: waiting.length - slice.length,
  };
}

function workAlone({ tenantId, profileEnvironments, unified, everything }: Candidate): TenantWork {
  return { tenantId, profileEnvironments, unified, everything };
}

function candidates(
  active: readonly ActiveEnvironment[],
  unseen: readonly Unseen[],
  profilesTopic: string,
): Candidate[] {
  const begins = new Map(unseen.map(({ epoch, partition, offset }) => [placeName(epoch, partition), offset]));
  const tenants = new Map<string, Candidate>();
  for (const { tenantId, environmentId, topic, epoch, partition, last } of active) {
    let tenant = tenants.get(tenantId);
    if (!tenant) {
      const nothing = { profileEnvironments: [], allProfileEnvironments: [], unified: false, everything: false };
      tenant = { tenantId, changed: false, ...nothing };
      tenants.set(tenantId, tenant);
    }
    const changed = last >= (begins.get(placeName(epoch, partition)) ?? 0);
    tenant.changed ||= changed;
    if (topic !== profilesTopic) continue;
    if (!tenant.allProfileEnvironments.includes(environmentId)) tenant.allProfileEnvironments.push(environmentId);
    if (changed && !tenant.profileEnvironments.includes(environmentId)) tenant.profileEnvironments.push(environmentId);
  }
  return [...tenants.values()];
}

/** Share of all tenants that should have the day's figures at a moment of it, 0 to 1. */
export function shareOfDay(now: number, spreadMs: number): number {
  const MS_PER_DAY = 86_400_000;
  return spreadMs === 0 ? 1 : Math.min(1, (now % MS_PER_DAY) / spreadMs);
}

export interface TenantPeriods {
  months: Month[];
  /** Engaged people are worked out for every day from this one to today; undefined: for none. */
  engagedFrom: Day | undefined;
}

/**
 * The months of days that changed, and the days from the first of them, or from the first without a figure. What happens
 * on a day touches engaged people on it and on the 12 months after it, and no day before.
 * @param days undefined for a tenant without interactions
 * @param engagedUpTo the last day that has a figure; those before it have one, back to the tenant's first
 */
export function periodsOf(
  { everything }: Pick<TenantWork, 'everything'>,
  { days, engagedUpTo, today }: { days: TenantDays | undefined; engagedUpTo: Day | undefined; today: Day },
): TenantPeriods {
  const months = everything ? days?.months : days?.changedMonths;
  const begins = everything || engagedUpTo === undefined ? (days?.first ?? today) : addDays(engagedUpTo, 1);
  const earliest = addMonths(today, -ENGAGED_MONTHS_MAX);
  // What is told of a day to come, as it may be of tomorrow, touches no day that has begun.
  const from = [begins > today && engagedUpTo === undefined ? today : begins, days?.changedFrom ?? begins]
    .map((day) => (day < earliest ? earliest : day))
    .sort()[0];
  return { months: months ?? [], engagedFrom: from !== undefined && from <= today ? from : undefined };
}
