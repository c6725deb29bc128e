/**
 * The two meters of interactions, from the events that count.
 */
import { CHANNELS } from './datum.ts';
import { monthOfDay, monthText, yearBefore } from './days.ts';
import type { EventRecount } from './events.ts';
import type { Scopes } from './scopes.ts';

export type Counts = Record<string, number>;

export interface MonthCount {
  tenantId: string;
  /** `YYYY-MM` */
  month: string;
  total: number;
  byChannel: Counts;
  byEnvironment: Counts;
}

export interface EngagedCount {
  total: number;
  byEnvironment: Counts;
  byEntityType: Counts;
}

/** Months with at least one interaction, of every tenant. */
export function recountMonths(events: EventRecount, scopes: Scopes): MonthCount[] {
  const sums = new Map<string, { scope: number; month: number; channels: number[] }>();
  events.forEachLive(({ entity, day, channel }) => {
    const scope = events.scopeOf(entity);
    const month = monthOfDay(day);
    const name = `${scope}/${month}`;
    let sum = sums.get(name);
    if (!sum) {
      sum = { scope, month, channels: CHANNELS.map(() => 0) };
      sums.set(name, sum);
    }
    sum.channels[channel] = (sum.channels[channel] ?? 0) + 1;
  });
  const months = new Map<string, MonthCount>();
  for (const { scope, month, channels } of sums.values()) {
    const { tenantId, environmentId } = scopes.at(scope);
    const name = `${tenantId}/${month}`;
    const of = months.get(name) ?? {
      tenantId,
      month: monthText(month),
      total: 0,
      byChannel: {},
      byEnvironment: none(),
    };
    months.set(name, of);
    for (const [channel, count] of channels.entries()) {
      if (count === 0) continue;
      of.total += count;
      add(of.byChannel, CHANNELS[channel] ?? '', count);
      add(of.byEnvironment, environmentId, count);
    }
  }
  return [...months.values()];
}

/** The first and the last day on which anything counts, or undefined. */
export function daysCounted(events: EventRecount): { first: number; last: number } | undefined {
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  events.forEachLive(({ day }) => {
    if (day < first) first = day;
    if (day > last) last = day;
  });
  return first <= last ? { first, last } : undefined;
}

/** Entities with something that counts on one of the days after the day a year before, up to `day`. By tenant. */
export function recountEngaged(events: EventRecount, scopes: Scopes, day: number): Map<string, EngagedCount> {
  const before = yearBefore(day);
  const engaged = new Uint8Array(events.entities);
  events.forEachLive((event) => {
    if (event.day > before && event.day <= day) engaged[event.entity] = 1;
  });
  const byTenant = new Map<string, EngagedCount>();
  for (const [entity, is] of engaged.entries()) {
    if (is === 0) continue;
    const { tenantId, environmentId } = scopes.at(events.scopeOf(entity));
    const of = byTenant.get(tenantId) ?? { total: 0, byEnvironment: none(), byEntityType: {} };
    byTenant.set(tenantId, of);
    of.total++;
    add(of.byEnvironment, environmentId, 1);
    add(of.byEntityType, events.typeOf(entity), 1);
  }
  return byTenant;
}

/** Any id may be a name of it, `__proto__` too. */
function none(): Counts {
  return Object.create(null) as Counts;
}

function add(counts: Counts, name: string, count: number): void {
  counts[name] = (counts[name] ?? 0) + count;
}
