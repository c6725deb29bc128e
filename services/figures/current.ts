/**
 * A tenant's figures of now, exact to the last person: published ones wherever they are proved to be those of now, the
 * rest worked out. Both are the same figures; which of them it was shows only in the time it took.
 */
import {
  addDays,
  addToMonth,
  type Day,
  engagedWindow,
  firstDayOf,
  lastDayOf,
  lastDayWithoutDropout,
  type Month,
  type PolicyTimeline,
  policyName,
} from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { engagedCurve } from './engaged.ts';
import type { EngagedDay, EngagedPeople } from './engaged-days.ts';
import { type MonthlyInteractions, monthlyInteractions } from './interactions.ts';
import type { PublishedPeriod } from './published.ts';
import type { Meter } from './snapshots.ts';
import { type Standing, Standings } from './standing.ts';

interface Days {
  policies: PolicyTimeline;
  from: Day;
  /** Included. */
  to: Day;
}

interface Months {
  policies: PolicyTimeline;
  from: Month;
  /** Included. */
  to: Month;
}

/** Figures of one tenant. */
export interface TenantFigures {
  /** Engaged people on every day of a range. */
  engagedCurve(asked: Days): Promise<EngagedDay[]>;
  /** Every month of a range. */
  monthlyInteractions(asked: Months): Promise<MonthlyInteractions[]>;
}

/** All of it worked out from the derived tables. */
export function workedOut(clickhouse: ClickHouse, tenantId: string): TenantFigures {
  return {
    engagedCurve: (asked) => engagedCurve(clickhouse, { tenantId, ...asked }),
    monthlyInteractions: (asked) => monthlyInteractions(clickhouse, { tenantId, ...asked }),
  };
}

/** What is published where it is current, and worked out where it is not. */
export class CurrentFigures {
  readonly #clickhouse: ClickHouse;
  readonly #standings: Standings;

  constructor(clickhouse: ClickHouse) {
    this.#clickhouse = clickhouse;
    this.#standings = new Standings(clickhouse);
  }

  /** To be called for each question anew: how the tenant stands is asked once for all figures of a question. */
  of(tenantId: string): TenantFigures {
    return new CurrentTenantFigures(this.#clickhouse, this.#standings, tenantId);
  }
}

class CurrentTenantFigures implements TenantFigures {
  readonly #clickhouse: ClickHouse;
  readonly #standings: Standings;
  readonly #tenantId: string;
  #asked: Promise<Standing> | undefined;

  constructor(clickhouse: ClickHouse, standings: Standings, tenantId: string) {
    this.#clickhouse = clickhouse;
    this.#standings = standings;
    this.#tenantId = tenantId;
  }

  async engagedCurve({ policies, from, to }: Days): Promise<EngagedDay[]> {
    const standing = await this.#standing();
    const published = await this.#published(standing, { meter: 'engaged', from, to });
    const days = daysOf(from, to);
    const known = new Map<Day, EngagedDay>();
    for (const day of days) {
      if (!standing.days || day < standing.days.first) known.set(day, { day, total: 0, ...NOBODY });
      const figure = published.get(day);
      if (!figure || !isDayCurrent(standing, day)) continue;
      if (figure.policy !== policyName(policies, engagedWindow(day).first, day)) continue;
      known.set(day, { day, total: figure.total, ...(JSON.parse(figure.breakdown) as Omit<EngagedPeople, 'total'>) });
    }
    for (const gap of gapsOf(days, known)) {
      const figures = await engagedCurve(this.#clickhouse, { tenantId: this.#tenantId, policies, ...gap });
      for (const figure of figures) known.set(figure.day, figure);
    }
    return days.flatMap((day) => known.get(day) ?? []);
  }

  async monthlyInteractions({ policies, from, to }: Months): Promise<MonthlyInteractions[]> {
    const standing = await this.#standing();
    const range = { from: firstDayOf(from), to: firstDayOf(to) };
    const published = await this.#published(standing, { meter: 'interactions', ...range });
    const months = monthsOf(from, to);
    const known = new Map<Month, MonthlyInteractions>();
    for (const month of months) {
      const first = firstDayOf(month);
      if (!standing.days?.months.includes(month))
        known.set(month, { month, total: 0, byChannel: {}, byEnvironment: {} });
      const figure = published.get(first);
      if (!figure || !isMonthCurrent(standing, month)) continue;
      if (figure.policy !== policyName(policies, first, lastDayOf(month))) continue;
      const breakdown = JSON.parse(figure.breakdown) as Omit<MonthlyInteractions, 'month' | 'total'>;
      known.set(month, { month, total: figure.total, ...breakdown });
    }
    const missing = months.filter((month) => !known.has(month));
    const [first, last] = [missing[0], missing.at(-1)];
    if (first !== undefined && last !== undefined) {
      const asked = { tenantId: this.#tenantId, policies, from: first, to: last };
      for (const figure of await monthlyInteractions(this.#clickhouse, asked)) known.set(figure.month, figure);
    }
    return months.flatMap((month) => known.get(month) ?? []);
  }

  #standing(): Promise<Standing> {
    this.#asked ??= this.#standings.of(this.#tenantId);
    return this.#asked;
  }

  /** The newest snapshots that may be relied on as far as their runs saw. To be read after the standing. */
  #published(
    { days, runLog }: Standing,
    asked: { meter: Meter; from: Day; to: Day },
  ): Promise<Map<Day, PublishedPeriod>> {
    if (!days || !runLog) return Promise.resolve(new Map());
    return this.#standings.published(runLog, { tenantId: this.#tenantId, ...asked });
  }
}

const NOBODY = { byEnvironment: {}, byEntityType: {} };

/** Engaged people on a day hang on what happened up to it. */
function isDayCurrent({ days, runLog }: Standing, day: Day): boolean {
  if (!days || !runLog || day < runLog.trustedFrom) return false;
  return days.changedFrom === undefined || day < days.changedFrom;
}

/** Interactions of a month hang on what happened in it. */
function isMonthCurrent({ days, runLog }: Standing, month: Month): boolean {
  return days !== undefined && runLog !== undefined && !days.changedMonths.includes(month);
}

function daysOf(from: Day, to: Day): Day[] {
  const days: Day[] = [];
  for (let day = from; day <= to; day = addDays(day, 1)) days.push(day);
  return days;
}

function monthsOf(from: Month, to: Month): Month[] {
  const months: Month[] = [];
  for (let month = from; month <= to; month = addToMonth(month, 1)) months.push(month);
  return months;
}

/** The days that are not known, in as few ranges as have to be passed over one by one: of a year at most. */
function gapsOf(days: readonly Day[], known: ReadonlyMap<Day, unknown>): { from: Day; to: Day }[] {
  const gaps: { from: Day; to: Day }[] = [];
  for (const day of days) {
    if (known.has(day)) continue;
    const gap = gaps.at(-1);
    if (gap && day <= lastDayWithoutDropout(gap.from)) gap.to = day;
    else gaps.push({ from: day, to: day });
  }
  return gaps;
}
