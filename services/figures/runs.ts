/**
 * The run log: what each run was for, what it saw and how it ended, so that the next one knows what has changed since and
 * people can tell why a figure is as old as it is.
 */
import type { Day } from '@tally/metering';
import { type ClickHouse, dateTime64 } from '@tally/platform/clickhouse';
import { numbers } from './snapshots.ts';
import type { Epochs, Positions } from './tenants.ts';

export type RunScope = 'changed' | 'all';
export type RunOutcome = 'succeeded' | 'partly' | 'failed';
/** Its time had come; its time came while nothing ran; it never ran before; somebody asked for it. */
export type RunCause = 'schedule' | 'missed' | 'first' | 'asked';

export interface Run {
  runId: string;
  job: string;
  cause: RunCause;
  /** Milliseconds since 1970-01-01 UTC, as all moments here. */
  dueAt: number;
  /** `host:pid`. */
  process: string;
  startedAt: number;
  finishedAt: number;
  /** The UTC day for which engaged people were worked out. */
  day: Day;
  scope: RunScope;
  /** `partly`: some tenants failed; `failed`: the run itself did, and the next one sees the same changes. */
  outcome: RunOutcome;
  /** Number of tenants worked out. */
  tenants: number;
  /** Tenants that failed; the next run takes them again. */
  failed: string[];
  /** In words, a line for each failure; empty where nothing failed. */
  error: string;
  /** Number of snapshots. */
  published: number;
  /** Tenants that have no figure for the day yet, and those that failed. */
  waiting: number;
  /** Everything before these offsets is in the figures. */
  positions: Positions;
  /** The epoch that a topic's positions belong to; none from before runs noted it. */
  epochs: Epochs;
}

/** The job of writing the log onto the tables anew: rows may have come that had been lost, wherever in the log. */
export const REPLAY_JOB = 'replay';

export async function recordRun(clickhouse: ClickHouse, run: Run): Promise<void> {
  const { runId, dueAt, startedAt, finishedAt, ...rest } = run;
  await clickhouse.insert('aggregator_runs', [
    {
      run_id: runId,
      due_at: dateTime64(dueAt),
      started_at: dateTime64(startedAt),
      finished_at: dateTime64(finishedAt),
      ...rest,
    },
  ]);
}

type RunRow = Omit<Run, 'runId' | 'dueAt' | 'startedAt' | 'finishedAt' | 'positions' | 'published'> &
  Record<'run_id' | 'due' | 'started' | 'finished' | 'published', string> & { positions: Record<string, string> };

const RUNS = `
  SELECT
    run_id, job, cause, toUnixTimestamp64Milli(due_at) AS due, process, toUnixTimestamp64Milli(started_at) AS started,
    toUnixTimestamp64Milli(finished_at) AS finished, day, scope, outcome, tenants, failed, error, published, waiting,
    positions, epochs
  FROM aggregator_runs`;

/** The newest runs of every job, newest first. */
export async function newestRuns(clickhouse: ClickHouse, limit: number): Promise<Run[]> {
  return runsOf(clickhouse, 'ORDER BY started_at DESC, finished_at DESC LIMIT {limit:UInt32}', { limit });
}

/**
 * The newest run of the aggregator that published figures, or undefined before the first.
 * @param tenantId only runs in which this tenant did not fail: its figures hold what they saw
 */
export async function lastRun(clickhouse: ClickHouse, tenantId = ''): Promise<Run | undefined> {
  const [run] = await runsOf(
    clickhouse,
    `WHERE job = 'aggregate' AND outcome != 'failed' AND NOT has(failed, {tenantId:String})
     ORDER BY started_at DESC LIMIT 1`,
    { tenantId },
  );
  return run;
}

/** When the newest run of a job began, however it ended, or undefined. */
export async function lastStartOf(clickhouse: ClickHouse, job: string): Promise<number | undefined> {
  const [run] = await runsOf(clickhouse, 'WHERE job = {job:String} ORDER BY started_at DESC LIMIT 1', { job });
  return run?.startedAt;
}

/** When the newest run of a job began in which every tenant succeeded, milliseconds since 1970-01-01 UTC, or undefined. */
export async function lastSucceeded(clickhouse: ClickHouse, job: string): Promise<number | undefined> {
  const [run] = await runsOf(
    clickhouse,
    "WHERE job = {job:String} AND outcome = 'succeeded' ORDER BY started_at DESC LIMIT 1",
    { job },
  );
  return run?.startedAt;
}

/**
 * The newest run that published figures, and those that had not ended when it began: one that was slow may have
 * published older figures after it. Newest first. Replays that had not ended then are among them.
 */
export async function lastRuns(clickhouse: ClickHouse): Promise<Run[]> {
  return runsOf(
    clickhouse,
    `WHERE (job = 'aggregate' AND (outcome != 'failed' OR notEmpty(epochs)) OR job = {replay:String}) AND finished_at >=
       (SELECT max(started_at) FROM aggregator_runs WHERE job = 'aggregate' AND outcome != 'failed')
     ORDER BY job = {replay:String}, outcome = 'failed', started_at DESC`,
    { replay: REPLAY_JOB },
  );
}

async function runsOf(clickhouse: ClickHouse, which: string, params: Record<string, unknown> = {}): Promise<Run[]> {
  const rows = await clickhouse.query<RunRow>(`${RUNS} ${which}`, params);
  return rows.map(({ run_id, due, started, finished, positions, published, ...rest }) => ({
    ...rest,
    runId: run_id,
    dueAt: Number(due),
    startedAt: Number(started),
    finishedAt: Number(finished),
    positions: numbers(positions),
    published: Number(published),
  }));
}
