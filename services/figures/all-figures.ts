/**
 * Every figure of every tenant at once, to hold two databases, or one before and after, against each other.
 */
import { type Day, dayOf, lastDayOf } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { engagedCurve } from './engaged.ts';
import { monthlyInteractions, monthsWithInteractions } from './interactions.ts';
import { policyTimeline } from './policies.ts';
import { knownTenants } from './tenants.ts';
import { unificationRules } from './unification-rules.ts';
import { unifiedPeople } from './unified.ts';

/** What a figure is called → the figure with its breakdown, as text that is equal when they are. */
export type AllFigures = Map<string, string>;

/** Months by channel and environment, engaged people at each month's end and on `today`, unified people. */
export async function allFigures(clickhouse: ClickHouse, now: number): Promise<AllFigures> {
  const figures: AllFigures = new Map();
  for (const tenantId of await knownTenants(clickhouse)) {
    const policies = await policyTimeline(clickhouse, tenantId);
    const range = await monthsWithInteractions(clickhouse, tenantId);
    const days = new Set<Day>([dayOf(now)]);
    if (range) {
      for (const { month, ...figure } of await monthlyInteractions(clickhouse, { tenantId, ...range, policies })) {
        figures.set(`interactions of ${tenantId} in ${month}`, JSON.stringify(figure));
        days.add(lastDayOf(month));
      }
    }
    const [from, to] = [firstOf(days), lastOf(days)];
    // One pass a year, whatever the number of days.
    for (const { day, total, byEnvironment, byEntityType } of await engagedCurve(clickhouse, {
      tenantId,
      from,
      to,
      policies,
    })) {
      if (!days.has(day)) continue;
      const figure = [total, sorted(byEnvironment), sorted(byEntityType)];
      figures.set(`engaged people of ${tenantId} on ${day}`, JSON.stringify(figure));
    }
    const rules = await unificationRules(clickhouse, tenantId);
    for (const environmentId of await profileEnvironments(clickhouse, tenantId)) {
      const figure = await unifiedPeople(clickhouse, { tenantId, environmentId, rules });
      figures.set(`unified people of ${tenantId} in ${environmentId}`, JSON.stringify(figure));
    }
  }
  return figures;
}

/** The figures that two sets do not share, in words. */
export function differences(before: AllFigures, after: AllFigures): string[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((name) => before.get(name) !== after.get(name))
    .map((name) => `${name}: ${before.get(name) ?? 'none'} and ${after.get(name) ?? 'none'}`);
}

function firstOf(days: ReadonlySet<Day>): Day {
  return [...days].reduce((first, day) => (day < first ? day : first));
}

function lastOf(days: ReadonlySet<Day>): Day {
  return [...days].reduce((last, day) => (day > last ? day : last));
}

function sorted(counts: Record<string, number>): [string, number][] {
  return Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1));
}

async function profileEnvironments(clickhouse: ClickHouse, tenantId: string): Promise<string[]> {
  const rows = await clickhouse.query<{ environment_id: string }>(
    'SELECT DISTINCT environment_id FROM profile_records WHERE tenant_id = {tenantId:String} ORDER BY environment_id',
    { tenantId },
  );
  return rows.map(({ environment_id }) => environment_id);
}
