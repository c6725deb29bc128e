/**
 * Up to where published figures are proved to be those of now. The aggregator's own rule, asked at the moment of a
 * question: a run on record has published all that was committed when it began, so what it left is right until something
 * is new that it has not seen (see seen.ts), and days before the first on which something is new are right still.
 *
 * What the run log says is read before a tenant's activity and its snapshots. An older reading of it is as right: it
 * trusts fewer snapshots, and takes more for new. So it may be shared and kept for a moment.
 */
import { addMonths, type Day } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { type PublishedPeriod, publishedPeriods } from './published.ts';
import { lastRuns } from './runs.ts';
import { type LogPlace, type Seen, seenBy, unseenSince } from './seen.ts';
import type { Meter } from './snapshots.ts';
import { type TenantDays, tenantDays, type Unseen } from './tenants.ts';

/** Engaged people are published for this many months back; days before are answered when they are asked for. */
export const ENGAGED_MONTHS_MAX = 36;

/** Days that a run may have left alone, though something was new before them, are not trusted; a month more than those. */
const TRUSTED_MONTHS_MAX = ENGAGED_MONTHS_MAX - 1;

interface RunLog {
  /** Number of runs on record, whatever came of them: a version of the run log, which only grows. */
  entries: number;
  /** Undefined where there is nothing to rely on: then everything is worked out. */
  seen: Seen | undefined;
  /** Where what is new begins. */
  unseen: Unseen[];
  /** The last day for which anything may be published. */
  newest: Day;
  /** Days before it are not trusted. */
  trustedFrom: Day;
  /** Newest snapshots that were read after it, by tenant and meter. As long as it is relied on, they may be. */
  published: Map<string, Promise<PublishedPeriod[]>>;
}

export interface Standing {
  /** When the tenant has which days, and which are new; undefined: it never had an interaction. */
  days: TenantDays | undefined;
  /** Undefined: no published figure of the tenant is to be relied on. */
  runLog: RunLog | undefined;
}

/** How long the run log is relied on before it is read again. */
const RUN_LOG_KEPT_MS = 5_000;
/** Run ids that are remembered to be on record; then all are asked about again. */
const RUNS_KNOWN_MAX = 100_000;
/** What the pages of a tenant ask for: a year, and the days before its first one. */
const SHARED_MONTHS = 13;
/** Tenants and meters of which the snapshots are held for those who ask next, some hundred kilobytes each at most. */
const SHARED_MAX = 200;

export class Standings {
  readonly #clickhouse: ClickHouse;
  readonly #clock: () => number;
  #runLog: Promise<RunLog> | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  /** Run id → the number of runs on record when it was found among them. */
  readonly #onRecord = new Map<string, number>();

  constructor(clickhouse: ClickHouse, clock: () => number = () => performance.now()) {
    this.#clickhouse = clickhouse;
    this.#clock = clock;
  }

  /** How a tenant stands at a moment after the call. */
  async of(tenantId: string): Promise<Standing> {
    const runLog = await this.#currentRunLog();
    const days = await tenantDays(this.#clickhouse, { tenants: [tenantId], unseen: runLog.unseen });
    const isTrusted = runLog.seen !== undefined && !runLog.seen.failed.has(tenantId);
    return { days: days.get(tenantId), runLog: isTrusted ? runLog : undefined };
  }

  /**
   * The newest snapshots of a tenant's periods, of runs that were on record when the run log was read. Snapshots of others
   * are not to be relied on: a run that was overtaken publishes older figures after newer ones, and is taken account of
   * once it is on record.
   */
  async published(
    runLog: RunLog,
    { tenantId, meter, from, to }: { tenantId: string; meter: Meter; from: Day; to: Day },
  ): Promise<Map<Day, PublishedPeriod>> {
    const sharedFrom = addMonths(runLog.newest, -SHARED_MONTHS);
    const all = await (from < sharedFrom
      ? publishedPeriods(this.#clickhouse, { tenantId, meter, from, to })
      : this.#shared(runLog, { tenantId, meter, from: sharedFrom }));
    const asked = all.filter(({ period }) => period >= from && period <= to);
    const onRecord = await this.#runsOnRecord(new Set(asked.map(({ runId }) => runId)), runLog);
    return new Map(asked.filter(({ runId }) => onRecord.has(runId)).map((figure) => [figure.period, figure]));
  }

  #shared(
    { published, newest }: RunLog,
    asked: { tenantId: string; meter: Meter; from: Day },
  ): Promise<PublishedPeriod[]> {
    const name = `${asked.tenantId}/${asked.meter}`;
    const known = published.get(name);
    if (known) return known;
    const reading = publishedPeriods(this.#clickhouse, { ...asked, to: newest });
    reading.catch(() => published.delete(name));
    if (published.size >= SHARED_MAX) published.clear();
    published.set(name, reading);
    return reading;
  }

  /**
   * Those of some runs that were on record when the run log was read.
   */
  async #runsOnRecord(runIds: ReadonlySet<string>, { entries }: Pick<RunLog, 'entries'>): Promise<Set<string>> {
    const unknown = [...runIds].filter((runId) => !this.#onRecord.has(runId));
    if (unknown.length > 0) await this.#ask(unknown);
    return new Set([...runIds].filter((runId) => (this.#onRecord.get(runId) ?? Number.POSITIVE_INFINITY) <= entries));
  }

  async #ask(runIds: readonly string[]): Promise<void> {
    // One reading of the table for both: what is found was there when there were so many.
    const { entries, found } = await this.#clickhouse.queryOne<{ entries: string; found: string[] }>(
      `SELECT count() AS entries, groupArrayIf(toString(run_id), has({runIds:Array(UUID)}, run_id)) AS found
       FROM aggregator_runs`,
      { runIds },
    );
    if (this.#onRecord.size + found.length > RUNS_KNOWN_MAX) this.#onRecord.clear();
    for (const runId of found) this.#onRecord.set(runId, Number(entries));
  }

  #currentRunLog(): Promise<RunLog> {
    const now = this.#clock();
    if (this.#runLog && now - this.#readAt < RUN_LOG_KEPT_MS) return this.#runLog;
    this.#readAt = now;
    const reading = readRunLog(this.#clickhouse);
    this.#runLog = reading;
    reading.catch(() => {
      if (this.#runLog === reading) this.#runLog = undefined;
    });
    return reading;
  }
}

async function readRunLog(clickhouse: ClickHouse): Promise<RunLog> {
  // Counted first: every run that is counted is among those read next.
  const { entries, newest } = await clickhouse.queryOne<{ entries: string; newest: Day }>(
    'SELECT count() AS entries, max(day) AS newest FROM aggregator_runs',
  );
  const seen = seenBy(await lastRuns(clickhouse));
  return {
    entries: Number(entries),
    newest,
    published: new Map(),
    seen,
    unseen: seen ? unseenSince(await logPlaces(clickhouse), seen) : [],
    trustedFrom: addMonths(newest, -TRUSTED_MONTHS_MAX),
  };
}

/** Every partition of every epoch. */
async function logPlaces(clickhouse: ClickHouse): Promise<LogPlace[]> {
  const logs = await clickhouse.query<{ of_topic: string; epoch: number; partitions: number }>(
    'SELECT epoch, any(topic) AS of_topic, toUInt32(max(length(starts))) AS partitions FROM logs GROUP BY epoch',
  );
  return logs.flatMap(({ of_topic: topic, epoch, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic, epoch, partition })),
  );
}
