/**
 * A run of a job with its entry in the run log, however it ends.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type Run, type RunCause, recordRun } from '@tally/figures';
import { type Day, dayOf } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { messageOf } from '@tally/platform/errors';

/** Why a run begins, and when it should have. */
export interface Due {
  cause: RunCause;
  /** Milliseconds since 1970-01-01 UTC. */
  at: number;
}

export interface LoggedRunOptions {
  clickhouse: ClickHouse;
  job: string;
  /** Default: asked for, now. */
  due?: Due | undefined;
  clock: () => number;
}

/** What a run knows when it begins. */
export interface RunStart {
  runId: string;
  startedAt: number;
  /** The UTC day of its start. */
  day: Day;
  /** To be told as soon as it is known, so that the log has it even if the run fails afterwards. */
  saw: (what: Pick<Run, 'positions' | 'epochs'>) => void;
}

export type RunResult = Partial<
  Pick<Run, 'scope' | 'outcome' | 'tenants' | 'failed' | 'error' | 'published' | 'waiting'>
>;

const ERROR_CHARS_MAX = 4_000;
const PROCESS = `${hostname()}:${process.pid}`;

/**
 * Does the work and records the run: with what the work returns, or as failed with what it threw, which is thrown on.
 * A run that cannot be recorded is as one that never was: the next one sees the same changes.
 */
export async function loggedRun(
  { clickhouse, job, due, clock }: LoggedRunOptions,
  work: (start: RunStart) => Promise<RunResult>,
): Promise<Run> {
  const startedAt = clock();
  const run: Run = {
    runId: randomUUID(),
    job,
    cause: due?.cause ?? 'asked',
    dueAt: due?.at ?? startedAt,
    process: PROCESS,
    startedAt,
    finishedAt: startedAt,
    day: dayOf(startedAt),
    scope: 'changed',
    outcome: 'succeeded',
    tenants: 0,
    failed: [],
    error: '',
    published: 0,
    waiting: 0,
    positions: {},
    epochs: {},
  };
  const { runId, day } = run;
  try {
    Object.assign(run, await work({ runId, startedAt, day, saw: (what) => Object.assign(run, what) }));
    run.error = run.error.slice(0, ERROR_CHARS_MAX);
  } catch (error) {
    Object.assign(run, { outcome: 'failed', error: messageOf(error).slice(0, ERROR_CHARS_MAX) });
    // What is told is why the work failed, not that this could not be noted either.
    await recordRun(clickhouse, { ...run, finishedAt: clock() }).catch(() => undefined);
    throw error;
  }
  run.finishedAt = clock();
  await recordRun(clickhouse, run);
  return run;
}
