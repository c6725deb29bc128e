/**
 * The record of runs: what each saw, so that the next one knows what has changed since.
 */
import { numbers, type Positions } from '@tally/figures';
import type { Day } from '@tally/metering';
import { type ClickHouse, dateTime64 } from '@tally/platform/clickhouse';

export type RunScope = 'changed' | 'all';
export type RunOutcome = 'succeeded' | 'partly' | 'failed';

export interface Run {
  runId: string;
  /** Milliseconds since 1970-01-01 UTC. */
  startedAt: number;
  finishedAt: number;
  /** The UTC day for which engaged people were worked out. */
  day: Day;
  scope: RunScope;
  outcome: RunOutcome;
  /** Number of tenants worked out. */
  tenants: number;
  /** Tenants that failed; the next run takes them again. */
  failed: string[];
  /** Everything before these offsets is in the figures. */
  positions: Positions;
}

export async function recordRun(clickhouse: ClickHouse, run: Run): Promise<void> {
  await clickhouse.insert('aggregator_runs', [
    {
      run_id: run.runId,
      started_at: dateTime64(run.startedAt),
      finished_at: dateTime64(run.finishedAt),
      day: run.day,
      scope: run.scope,
      outcome: run.outcome,
      tenants: run.tenants,
      failed: run.failed,
      positions: run.positions,
    },
  ]);
}

interface RunRow {
  run_id: string;
  started: string;
  finished: string;
  day: string;
  scope: RunScope;
  outcome: RunOutcome;
  tenants: number;
  failed: string[];
  positions: Record<string, string>;
}

/** The newest run that published figures, or undefined before the first. */
export async function lastRun(clickhouse: ClickHouse): Promise<Run | undefined> {
  const [row] = await clickhouse.query<RunRow>(`
    SELECT
      run_id, toUnixTimestamp64Milli(started_at) AS started, toUnixTimestamp64Milli(finished_at) AS finished,
      day, scope, outcome, tenants, failed, positions
    FROM aggregator_runs
    WHERE outcome != 'failed'
    ORDER BY started_at DESC
    LIMIT 1`);
  if (!row) return undefined;
  return {
    runId: row.run_id,
    startedAt: Number(row.started),
    finishedAt: Number(row.finished),
    day: row.day,
    scope: row.scope,
    outcome: row.outcome,
    tenants: row.tenants,
    failed: row.failed,
    positions: numbers(row.positions),
  };
}
