/**
 * One run: what has changed, worked out tenant by tenant, published. It reads only derived tables and can be repeated at
 * any time; two runs at once publish the same figures.
 *
 * A crash between two batches of snapshots costs nothing: the run is not in the log, so the next one sees the same changes
 * and publishes what is missing.
 */
import {
  activeEnvironments,
  engagedUpTo,
  lastPolicyDecisions,
  lastRuns,
  newestPublished,
  type Positions,
  type Run,
  type Seen,
  type Snapshot,
  seenBy,
  tenantDays,
  tenantsUnderOtherRules,
  tenantsWithFigure,
  writeSnapshots,
  writtenBounds,
} from '@tally/figures';
import { type Day, firstDayOf } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { messageOf } from '@tally/platform/errors';
import type { Logger } from '@tally/platform/log';
import type { Topics } from '@tally/schemas';
import { periodsOf, shareOfDay, type TenantWork, type Work, workOf } from './changed.ts';
import { type Due, loggedRun, type RunResult, type RunStart } from './logged-run.ts';
import {
  type DueTenant,
  type FigureContext,
  figuresTogether,
  type Together,
  tenantSnapshots,
} from './tenant-figures.ts';

export interface AggregateOptions {
  clickhouse: ClickHouse;
  /** The committed offsets: everything before them is written. */
  positions: () => Promise<Positions>;
  topics: Pick<Topics, 'profiles'>;
  /** Over how much of a new UTC day its first figures are spread, milliseconds; default 0, all at once. */
  daySpreadMs?: number;
  /** Why it runs; default: asked for. */
  due?: Due;
  clock: () => number;
  log: Logger;
}

export const AGGREGATE_JOB = 'aggregate';

/** Tenants whose published figures are read, and held in memory, at once. */
const TENANTS_PER_BATCH = 64;
/** Tenants worked out at the same time, so that one waits for ClickHouse while another is added up. */
const TENANTS_AT_ONCE = 3;
/** An insert holds at least so many snapshots, unless there are no more. */
const SNAPSHOTS_PER_INSERT = 10_000;
/** How much later than its own time a decision may become visible, which the clock of another machine gave it. */
const DECISION_LATE_MS_MAX = 300_000;

/** Works out and publishes what changed since the last run. Throws when ClickHouse or Kafka is away. */
export async function aggregate(options: AggregateOptions): Promise<Run> {
  const { clickhouse, clock, due } = options;
  return loggedRun({ clickhouse, job: AGGREGATE_JOB, due, clock }, (start) => workOut(options, start));
}

async function workOut(options: AggregateOptions, start: RunStart): Promise<RunResult> {
  const { clickhouse, clock } = options;
  // 1. What is committed and written, before anything else is read: it is in the tables the figures come from.
  const bounds = await writtenBounds(clickhouse, options.positions);
  const { positions } = bounds;
  start.saw(bounds);
  // 2. What is due.
  const decisions = await lastPolicyDecisions(clickhouse);
  const { scope, tenants, unseen, waiting } = await dueWork(options, start, decisions);
  // 3. Figures, and the snapshots of those that differ.
  const publisher = new Publisher(options, { clickhouse, runId: start.runId, clock, day: start.day, positions });
  for (let at = 0; at < tenants.length; at += TENANTS_PER_BATCH) {
    await publisher.publish(tenants.slice(at, at + TENANTS_PER_BATCH), { unseen, decided: decisions });
  }
  await publisher.flush();
  const { published, failures } = publisher;
  return {
    scope,
    outcome: failures.size === 0 ? 'succeeded' : 'partly',
    tenants: tenants.length,
    failed: [...failures.keys()],
    error: [...failures].map(([tenantId, why]) => `${tenantId}: ${why}`).join('\n'),
    published,
    waiting: waiting + failures.size,
  };
}

async function dueWork(
  { clickhouse, topics, daySpreadMs = 0 }: AggregateOptions,
  { day, startedAt }: RunStart,
  decisions: ReadonlyMap<string, number>,
): Promise<Work> {
  const seen = seenBy(await lastRuns(clickhouse));
  const active = await activeEnvironments(clickhouse);
  return workOf(active, seen, {
    profilesTopic: topics.profiles,
    otherPolicies: decidedSince(decisions, seen),
    otherRules: new Set(await tenantsUnderOtherRules(clickhouse)),
    engagedDone: await tenantsWithFigure(clickhouse, { meter: 'engaged', day }),
    unifiedDone: await tenantsWithFigure(clickhouse, { meter: 'unified', day }),
    share: shareOfDay(startedAt, daySpreadMs),
  });
}

function decidedSince(decisions: ReadonlyMap<string, number>, seen: Seen | undefined): Set<string> {
  const since = (seen?.startedAt ?? 0) - DECISION_LATE_MS_MAX;
  return new Set([...decisions].filter(([, changedAt]) => changedAt >= since).map(([tenantId]) => tenantId));
}

/** Works out batches of tenants. A tenant that fails is noted with the reason and keeps no other from its figures. */
class Publisher {
  readonly #log: Logger;
  readonly #context: FigureContext;
  #snapshots: Snapshot[] = [];
  published = 0;
  /** Tenant → what went wrong, in words. */
  readonly failures = new Map<string, string>();

  constructor({ log }: Pick<AggregateOptions, 'log'>, context: FigureContext) {
    this.#log = log;
    this.#context = context;
  }

  async publish(
    batch: readonly TenantWork[],
    { unseen, decided }: Pick<Work, 'unseen'> & { decided: ReadonlyMap<string, number> },
  ): Promise<void> {
    const { clickhouse, day: today } = this.#context;
    const tenants = batch.map(({ tenantId }) => tenantId);
    const days = await tenantDays(clickhouse, { tenants, unseen });
    const upTo = await engagedUpTo(clickhouse, { tenants, today });
    const due = batch.map((work): DueTenant => {
      const { tenantId } = work;
      const known = { days: days.get(tenantId), engagedUpTo: upTo.get(tenantId), today };
      return { work, periods: periodsOf(work, known), decided: decided.has(tenantId) };
    });
    const newest = await newestPublished(clickhouse, { tenants, from: earliestOf(due, today) });
    const together = await this.#together(due.filter(({ decided: alone }) => !alone));
    const waiting = due.values();
    const workers = Array.from({ length: TENANTS_AT_ONCE }, async () => {
      for (const tenant of waiting) await this.#tenant(tenant, newest, together);
    });
    await Promise.all(workers);
    if (this.#snapshots.length >= SNAPSHOTS_PER_INSERT) await this.flush();
  }

  /** Throws when ClickHouse refuses: then the run has failed, and the next one publishes what is missing. */
  async flush(): Promise<void> {
    await writeSnapshots(this.#context.clickhouse, this.#snapshots);
    this.published += this.#snapshots.length;
    this.#snapshots = [];
  }

  /** Tenants under the default policy at once. Where that fails, each is worked out alone, and only the one at fault fails. */
  async #together(due: readonly DueTenant[]): Promise<Together | undefined> {
    try {
      return await figuresTogether(this.#context, due);
    } catch (err) {
      this.#log.warn({ err, tenants: due.length }, 'tenants could not be worked out together, each is alone');
      return undefined;
    }
  }

  async #tenant(
    tenant: DueTenant,
    newest: Awaited<ReturnType<typeof newestPublished>>,
    together: Together | undefined,
  ): Promise<void> {
    const { tenantId } = tenant.work;
    try {
      const snapshots = await tenantSnapshots(this.#context, tenant, { newest, together });
      for (const snapshot of snapshots) this.#snapshots.push(snapshot);
    } catch (err) {
      this.#log.error({ err, tenantId }, 'tenant failed, the next run takes it again');
      this.failures.set(tenantId, messageOf(err));
    }
  }
}

/** The first day of all periods that are worked out: what is published before is not asked for. */
function earliestOf(due: readonly DueTenant[], today: Day): Day {
  let earliest = today;
  for (const { periods } of due) {
    for (const day of [...periods.months.map(firstDayOf), periods.engagedFrom]) {
      if (day !== undefined && day < earliest) earliest = day;
    }
  }
  return earliest;
}
