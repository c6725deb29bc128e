/**
 * Which interactions came after their month was over. A row does not say when it came, but each run of the aggregator
 * notes up to where the logs were read when it began: what lies behind the first run after the month's end came late.
 */
import { type Bounds, numbers, withinBounds } from '@tally/figures';
import { addDays } from '@tally/metering';
import { type ClickHouse, dateTime64 } from '@tally/platform/clickhouse';
import type { Statement } from '../document.ts';
import { type Sql, topicIn } from './rows-sql.ts';

export interface LateSince {
  /** When that run began, ISO 8601, UTC. */
  since: string;
  /** A condition on the column `position`. */
  isLate: Sql;
}

const FIRST_RUN_AFTER = `
  SELECT toUnixTimestamp64Milli(started_at) AS started, positions, epochs
  FROM aggregator_runs
  WHERE job = 'aggregate' AND started_at >= {from:DateTime64(3)} AND started_at <= {until:DateTime64(3)}
    AND notEmpty(epochs) AND notEmpty(positions)
  ORDER BY started_at
  LIMIT 1`;

/** Null where no run is known between the month's end and the statement: then nobody can tell. */
export async function lateSince(
  clickhouse: ClickHouse,
  { period, issuedAt, evidence }: Statement,
): Promise<LateSince | null> {
  const [run] = await clickhouse.query<{
    started: string;
    positions: Record<string, string>;
    epochs: Record<string, number>;
  }>(FIRST_RUN_AFTER, {
    from: dateTime64(Date.parse(addDays(period.lastDay, 1))),
    until: dateTime64(Date.parse(issuedAt)),
  });
  if (!run) return null;
  const then: Bounds = { positions: numbers(run.positions), epochs: run.epochs };
  const topic = topicIn(evidence, 'interactions');
  const early = withinBounds(then, topic, { column: 'position', name: 'inTime' });
  return {
    since: new Date(Number(run.started)).toISOString(),
    isLate: { sql: `NOT ${early.sql}`, params: early.params },
  };
}
