/**
 * The three meters according to Kafka's records, beside what the api answers with.
 */
import {
  activeEnvironments,
  engagedPeople,
  monthlyInteractions,
  monthsWithInteractions,
  UNIFICATION_DEFAULT,
  type UnificationRules,
  unificationRules,
  unifiedPeople,
} from '@tally/figures';
import { always } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { type Comparison, DIFFERENCES_LISTED_MAX } from '../findings.ts';
import { dayAt, dayText, lastDay, monthOfDay } from '../recount/days.ts';
import { type Counts, daysCounted, type MonthCount, recountEngaged, recountMonths } from '../recount/meters.ts';
import type { Recount } from '../recount/recount.ts';

export interface FigureOptions {
  clickhouse: ClickHouse;
  recount: Recount;
  /** Milliseconds since 1970-01-01 UTC: engaged people are compared on its day too. */
  now: number;
}

/** Compares months by channel and environment, engaged people today and at each month's end, unified people. */
export async function compareFigures(options: FigureOptions): Promise<Comparison[]> {
  const tenants = new Map<string, Set<string>>();
  for (const { tenantId, environmentId } of [
    ...options.recount.scopes.all(),
    ...(await activeEnvironments(options.clickhouse)),
  ]) {
    const environments = tenants.get(tenantId) ?? new Set<string>();
    tenants.set(tenantId, environments.add(environmentId));
  }
  return [
    await compareMonths(options, [...tenants.keys()]),
    await compareEngaged(options, [...tenants.keys()]),
    await compareUnified(options, tenants),
  ];
}

async function compareMonths({ clickhouse, recount }: FigureOptions, tenants: string[]): Promise<Comparison> {
  const comparison = new Figures('Kafka: monthly interactions');
  const byTenant = new Map<string, Map<string, MonthCount>>();
  for (const count of recountMonths(recount.events, recount.scopes)) {
    const months = byTenant.get(count.tenantId) ?? new Map<string, MonthCount>();
    byTenant.set(count.tenantId, months.set(count.month, count));
  }
  for (const tenantId of tenants) {
    const recounted = byTenant.get(tenantId) ?? new Map<string, MonthCount>();
    const stored = await monthsWithInteractions(clickhouse, tenantId);
    const range = [...recounted.keys(), ...(stored ? [stored.from, stored.to] : [])].sort();
    const [from, to] = [range.at(0), range.at(-1)];
    if (from === undefined || to === undefined) continue;
    for (const figure of await monthlyInteractions(clickhouse, { tenantId, from, to, policies: always() })) {
      const { total, byChannel, byEnvironment } = recounted.get(figure.month) ?? EMPTY_MONTH;
      comparison.add(
        `interactions of ${tenantId} in ${figure.month}`,
        { total: figure.total, ...prefixed('channel', figure.byChannel), ...prefixed('in', figure.byEnvironment) },
        { total, ...prefixed('channel', byChannel), ...prefixed('in', byEnvironment) },
      );
    }
  }
  return comparison.done();
}

const EMPTY_MONTH = { total: 0, byChannel: {}, byEnvironment: {} };

async function compareEngaged({ clickhouse, recount, now }: FigureOptions, tenants: string[]): Promise<Comparison> {
  const comparison = new Figures('Kafka: engaged people');
  const days = new Set([dayAt(now)]);
  const counted = daysCounted(recount.events);
  if (counted) {
    for (let month = monthOfDay(counted.first); month <= monthOfDay(counted.last); month++) days.add(lastDay(month));
  }
  for (const day of days) {
    const recounted = recountEngaged(recount.events, recount.scopes, day);
    for (const tenantId of tenants) {
      const figure = await engagedPeople(clickhouse, { tenantId, day: dayText(day), policies: always() });
      const { total, byEnvironment, byEntityType } = recounted.get(tenantId) ?? EMPTY_ENGAGED;
      comparison.add(
        `engaged people of ${tenantId} on ${dayText(day)}`,
        { total: figure.total, ...prefixed('type', figure.byEntityType), ...prefixed('in', figure.byEnvironment) },
        { total, ...prefixed('type', byEntityType), ...prefixed('in', byEnvironment) },
      );
    }
  }
  return comparison.done();
}

const EMPTY_ENGAGED = { total: 0, byEnvironment: {}, byEntityType: {} };

async function compareUnified(
  { clickhouse, recount }: FigureOptions,
  tenants: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<Comparison> {
  const comparison = new Figures('Kafka: unified people');
  const rules = new Map<string, UnificationRules>();
  for (const tenantId of tenants.keys()) rules.set(tenantId, await unificationRules(clickhouse, tenantId));
  const people = recount.people.people(({ tenantId }) => rules.get(tenantId) ?? UNIFICATION_DEFAULT);
  const recounted = new Map(
    recount.scopes.all().map((scope, number) => [`${scope.tenantId}/${scope.environmentId}`, people.get(number)]),
  );
  for (const [tenantId, environments] of tenants) {
    for (const environmentId of environments) {
      const asked = { tenantId, environmentId, rules: rules.get(tenantId) ?? UNIFICATION_DEFAULT };
      const { people: figure, records } = await unifiedPeople(clickhouse, asked);
      const of = recounted.get(`${tenantId}/${environmentId}`) ?? { people: 0, records: 0 };
      comparison.add(`unified people of ${tenantId} in ${environmentId}`, { people: figure, records }, { ...of });
    }
  }
  return comparison.done();
}

/** Collects figures that differ, in words. */
class Figures {
  readonly #comparison: Comparison;

  constructor(name: string) {
    this.#comparison = { name, compared: 0, differing: 0, differences: [] };
  }

  /** A count that is absent is 0. */
  add(what: string, figure: Counts, recounted: Counts): void {
    this.#comparison.compared++;
    const differing = [...new Set([...Object.keys(figure), ...Object.keys(recounted)])]
      .filter((name) => (figure[name] ?? 0) !== (recounted[name] ?? 0))
      .map((name) => `${name} ${figure[name] ?? 0}, Kafka says ${recounted[name] ?? 0}`);
    if (differing.length === 0) return;
    this.#comparison.differing++;
    if (this.#comparison.differences.length >= DIFFERENCES_LISTED_MAX) return;
    this.#comparison.differences.push({
      comparison: this.#comparison.name,
      what: `${what}: ${differing.join('; ')}`,
    });
  }

  done(): Comparison {
    return this.#comparison;
  }
}

function prefixed(prefix: string, counts: Readonly<Record<string, number>>): Counts {
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [`${prefix} ${name}`, count]));
}
