/**
 * What statements must say, worked out from a plain list of what is known: for each question everything is gone through
 * again. Nothing here is shared with the code that writes statements. (Rules: "Statements", "True-up".)
 */
import {
  type DayNumber,
  dayAt,
  dayNumber,
  daysOfMonth,
  dayText,
  firstDayOfMonth,
  lastDayOfMonth,
  monthsBetween,
  monthsLater,
  yearsLater,
} from './days.ts';
import { countsBy, KnownEvents } from './known-events.ts';
import { KnownProfiles, type UnifiedFigure } from './known-profiles.ts';
import { allowanceOf, isInForce, ownedOn } from './owned.ts';
import type { ModelEnvironment, ModelLine, ModelPolicyStart, ModelRecord, Step } from './steps.ts';
import { licenceYearOf, type ModelTrueUp, trueUpOf, type Use } from './true-up.ts';

type Counts = Record<string, number>;

interface ModelQuota {
  owned: number;
  used: number;
  remaining: number;
  overage: number;
  share: number | null;
}

type DayQuota = ModelQuota & { day: string };

interface ModelAdjustment {
  month: string;
  figure: (typeof FIGURES)[number];
  stated: number;
  known: number;
  difference: number;
}

/** Those parts of a statement that follow from what is known. Counts of 0 are left out. */
export interface ModelStatement {
  tenantId: string;
  month: string;
  number: number;
  period: { firstDay: string; lastDay: string };
  interactions: ModelQuota & {
    peakDay: { day: string; used: number } | null;
    byChannel: Counts;
    byEnvironment: Counts;
  };
  engagedPeople: DayQuota & {
    byEnvironment: Counts;
    byEntityType: Counts;
    peak: DayQuota;
    worst: DayQuota | null;
  };
  unifiedPeople: DayQuota & { known: boolean; byEnvironment: Counts; peak: DayQuota; worst: DayQuota | null };
  licenceYear: ModelTrueUp | null;
  adjustments: ModelAdjustment[];
  year: { month: string; interactions: UsedOwned; engagedPeople: UsedOwned; unifiedPeople: UsedOwned }[];
  licences: ModelLine[];
  environments: { id: string; registered: boolean; name?: string; type?: string; geo?: string }[];
  policy: string;
  evidence: {
    policies: ModelPolicyStart[];
    /** Of the last day and of the peak day, where anything was published by then. */
    unified: { day: string; publishedAt: string }[];
  };
}

type Figures = Pick<ModelStatement, 'interactions' | 'engagedPeople' | 'unifiedPeople'>;

interface Published extends UnifiedFigure {
  /** Milliseconds since 1970-01-01 UTC. */
  at: number;
}

interface UsedOwned {
  used: number;
  owned: number;
}

/** In the order in which a month's adjustments stand. */
const FIGURES = ['interactions', 'engagedPeople', 'engagedPeoplePeak', 'unifiedPeople', 'unifiedPeoplePeak'] as const;

/** Takes steps in as they happen, and answers for what is known by then. */
export class StatementModel {
  readonly #tenants = new Map<string, TenantModel>();

  /** Takes a step in; for one that issues, what the statement must say. */
  take(step: Step): ModelStatement | undefined {
    switch (step.kind) {
      case 'records':
        for (const record of step.records) this.tenant(record.value.tenantId).take(record);
        return;
      case 'aggregate':
        for (const tenant of this.#tenants.values()) tenant.publish(step.at);
        return;
      case 'licences':
        this.tenant(step.tenantId).lines = step.lines;
        return;
      case 'environments':
        this.tenant(step.tenantId).environments = step.environments;
        return;
      case 'policies':
        this.tenant(step.tenantId).decide(step.starts);
        return;
      case 'issue':
        return this.tenant(step.tenantId).issue(step.month);
    }
  }

  tenant(tenantId: string): TenantModel {
    const tenant = this.#tenants.get(tenantId) ?? new TenantModel(tenantId);
    this.#tenants.set(tenantId, tenant);
    return tenant;
  }
}

class TenantModel {
  lines: readonly ModelLine[] = [];
  environments: readonly ModelEnvironment[] = [];
  readonly #tenantId: string;
  readonly #events = new KnownEvents();
  readonly #profiles = new KnownProfiles();
  readonly #published = new Map<DayNumber, Published>();
  readonly #issued: ModelStatement[] = [];
  #starts: readonly ModelPolicyStart[] = [];

  constructor(tenantId: string) {
    this.#tenantId = tenantId;
  }

  take(record: ModelRecord): void {
    if (record.schema === 'ProfileRecord') this.#profiles.take(record.value);
    else this.#events.take(record);
  }

  decide(starts: readonly ModelPolicyStart[]): void {
    this.#starts = starts;
    this.#events.judgeBy(starts);
  }

  /** Unified people as they are now are the figure of the moment's day. */
  publish(at: number): void {
    if (this.#profiles.any) this.#published.set(dayAt(at), { at, ...this.#profiles.people() });
  }

  /** Interactions of a month. */
  interactions(month: string): { total: number; byChannel: Counts; byEnvironment: Counts } {
    const values = this.#events.between(firstDayOfMonth(month), lastDayOfMonth(month));
    const byEnvironment = countsBy(values, 'environmentId');
    return { total: values.length, byChannel: countsBy(values, 'channel'), byEnvironment };
  }

  engaged(day: string): { total: number; byEnvironment: Counts; byEntityType: Counts } {
    const people = this.#events.engagedOn(dayNumber(day));
    const byEnvironment = countsBy(people, 'environmentId');
    return { total: people.length, byEnvironment, byEntityType: countsBy(people, 'entityType') };
  }

  /** Unified people as they are now. */
  unified(): UnifiedFigure {
    return this.#profiles.people();
  }

  /** The true-up of the licence year that begins on a day, up to another. */
  trueUp(from: string, last: string): ModelTrueUp {
    return trueUpOf(this.lines, this.#use(), { from: dayNumber(from), last: dayNumber(last) });
  }

  /** What the month's statement must say now. */
  issue(month: string): ModelStatement {
    const [first, last] = [firstDayOfMonth(month), lastDayOfMonth(month)];
    const from = licenceYearOf(this.lines, last);
    const figures = this.#figures(month);
    const statement: ModelStatement = {
      tenantId: this.#tenantId,
      month,
      number: this.#issued.length + 1,
      period: { firstDay: dayText(first), lastDay: dayText(last) },
      ...figures,
      licenceYear: from === undefined ? null : trueUpOf(this.lines, this.#use(), { from, last }),
      adjustments: this.#adjustments(month),
      year: monthsBetween(monthsLater(month, -11), month).map((one) => this.#ofYear(one)),
      licences: this.lines.filter(
        ({ startsOn, endsOn }) => dayNumber(startsOn) <= last && (endsOn === null || dayNumber(endsOn) > first),
      ),
      environments: this.#environments(figures, last),
      // People are engaged on the first day by what happened in the year before.
      policy: this.#policies(yearsLater(first, -1) + 1, last),
      evidence: { policies: [...this.#starts], unified: this.#unifiedEvidence(figures.unifiedPeople) },
    };
    this.#issued.push(statement);
    return statement;
  }

  #figures(month: string): Figures {
    const days = daysOfMonth(month);
    const last = lastDayOfMonth(month);
    const { total, ...parts } = this.interactions(month);
    const { total: _, ...people } = this.engaged(dayText(last));
    const published = this.#publishedBy(last);
    const engagedOn = (day: DayNumber): DayQuota =>
      dayQuota(day, ownedOn(this.lines, day).engaged, this.#use().engaged(day));
    const unifiedOn = (day: DayNumber): DayQuota =>
      dayQuota(day, ownedOn(this.lines, day).unified, this.#use().unified(day) ?? 0);
    return {
      interactions: { ...quota(allowanceOf(this.lines, month), total), peakDay: this.#peakDay(days), ...parts },
      engagedPeople: { ...engagedOn(last), ...people, ...extremes(days.map(engagedOn)) },
      unifiedPeople: {
        ...unifiedOn(last),
        known: published !== undefined,
        byEnvironment: withoutZeros(published?.byEnvironment ?? {}),
        // Before the first figure there is nothing to compare.
        ...extremes((published ? days : [last]).map(unifiedOn)),
      },
    };
  }

  #environments(
    { interactions, engagedPeople, unifiedPeople }: Figures,
    last: DayNumber,
  ): ModelStatement['environments'] {
    const counts = { ...interactions.byEnvironment, ...engagedPeople.byEnvironment, ...unifiedPeople.byEnvironment };
    return Object.keys(counts)
      .sort()
      .map((id) => {
        const known = this.environments.find((one) => one.id === id && isInForce(one, last));
        return known
          ? { id, registered: true, name: known.name, type: known.type, geo: known.geo }
          : { id, registered: false };
      });
  }

  #policies(first: DayNumber, last: DayNumber): string {
    const names: string[] = [];
    for (let day = first; day <= last; day++) {
      const policy = this.#events.policyOn(day);
      if (day > first && policy === this.#events.policyOn(day - 1)) continue;
      names.push(day === first ? policy : `${policy} from ${dayText(day)}`);
    }
    return names.join(', ');
  }

  #unifiedEvidence({ day, peak }: ModelStatement['unifiedPeople']): ModelStatement['evidence']['unified'] {
    return [...new Set([peak.day, day])].flatMap((on) => {
      const published = this.#publishedBy(dayNumber(on));
      return published ? [{ day: on, publishedAt: new Date(published.at).toISOString() }] : [];
    });
  }

  #peakDay(days: readonly DayNumber[]): { day: string; used: number } | null {
    const counts = days.map(() => 0);
    const [first = 0, last = 0] = [days[0], days.at(-1)];
    for (const { occurredAt } of this.#events.between(first, last)) {
      const index = dayAt(occurredAt) - first;
      counts[index] = (counts[index] ?? 0) + 1;
    }
    const used = Math.max(...counts);
    return used === 0 ? null : { day: dayText(first + counts.indexOf(used)), used };
  }

  /** Of months before this one that have a statement: what is known now beyond what was said. */
  #adjustments(month: string): ModelAdjustment[] {
    const adjustments: ModelAdjustment[] = [];
    const earlier = this.#issued.filter((statement) => statement.month < month);
    for (const statement of earlier.sort((a, b) => (a.month < b.month ? -1 : 1))) {
      const [said, now] = [figuresOf(statement), figuresOf(this.#figures(statement.month))];
      for (const figure of FIGURES) {
        let stated = said[figure];
        for (const { adjustments: later } of this.#issued) {
          for (const one of later) {
            if (one.month === statement.month && one.figure === figure) stated += one.difference;
          }
        }
        const known = now[figure];
        if (known === stated) continue;
        adjustments.push({ month: statement.month, figure, stated, known, difference: known - stated });
      }
    }
    return adjustments;
  }

  #ofYear(month: string): ModelStatement['year'][number] {
    const { interactions, engagedPeople, unifiedPeople } = this.#figures(month);
    return {
      month,
      interactions: usedOwned(interactions),
      engagedPeople: usedOwned(engagedPeople.peak),
      unifiedPeople: usedOwned(unifiedPeople.peak),
    };
  }

  #use(): Use {
    return {
      engaged: (day) => this.#events.engagedOn(day).length,
      unified: (day) => this.#publishedBy(day)?.total,
      interactions: (month) => this.interactions(month).total,
    };
  }

  /** The figure of a day, or of the last day before it that has one. */
  #publishedBy(day: DayNumber): Published | undefined {
    const days = [...this.#published.keys()].filter((on) => on <= day);
    return days.length === 0 ? undefined : this.#published.get(Math.max(...days));
  }
}

function figuresOf({ interactions, engagedPeople, unifiedPeople }: Figures): Record<(typeof FIGURES)[number], number> {
  return {
    interactions: interactions.used,
    engagedPeople: engagedPeople.used,
    engagedPeoplePeak: engagedPeople.peak.used,
    unifiedPeople: unifiedPeople.used,
    unifiedPeoplePeak: unifiedPeople.peak.used,
  };
}

function quota(owned: number, used: number): ModelQuota {
  return {
    owned,
    used,
    remaining: used < owned ? owned - used : 0,
    overage: used > owned ? used - owned : 0,
    share: owned > 0 ? used / owned : null,
  };
}

function dayQuota(day: DayNumber, owned: number, used: number): DayQuota {
  return { day: dayText(day), ...quota(owned, used) };
}

function usedOwned({ used, owned }: UsedOwned): UsedOwned {
  return { used, owned };
}

/** The first day with the highest figure, and the first on which most was missing. */
function extremes(days: readonly DayQuota[]): { peak: DayQuota; worst: DayQuota | null } {
  const [peak] = days.toSorted((a, b) => b.used - a.used || (a.day < b.day ? -1 : 1));
  const [worst] = days.toSorted((a, b) => b.overage - a.overage || (a.day < b.day ? -1 : 1));
  if (!peak || !worst) throw new RangeError('a month has days');
  return { peak, worst: worst.overage > 0 ? worst : null };
}

function withoutZeros(counts: Counts): Counts {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
}
