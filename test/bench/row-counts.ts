/**
 * What a log has become in the tables, exactly: positions and events.
 */
import { count } from '@tally/cli/print';
import type { ClickHouse } from '@tally/platform/clickhouse';

export interface RowCounts {
  /** Log positions with an outcome. */
  positions: number;
  /** Rows of `interactions` as they lie there: what was written again after a rebalance, and is not merged yet, twice. */
  interactions: number;
  /** Different positions among them, which is what figures count. */
  counted: number;
  /** Different events among them. */
  distinct: number;
}

/** Keys that are counted at once: they are held in memory, with positions some 60 bytes each. */
const KEYS_AT_ONCE = 10_000_000;

/** Counts every key and its positions exactly, slice by slice, so that the memory for it is bounded. */
export async function countRows(clickhouse: ClickHouse): Promise<RowCounts> {
  const { rows } = await clickhouse.queryOne<{ rows: string }>('SELECT count() AS rows FROM interactions');
  const slices = Math.ceil(Number(rows) / KEYS_AT_ONCE);
  let [counted, distinct] = [0, 0];
  for (let slice = 0; slice < slices; slice++) {
    const { positions, keys } = await clickhouse.queryOne<{ positions: string; keys: string }>(
      `SELECT uniqExact(position) AS positions, uniqExact(event_key) AS keys FROM interactions
       WHERE sipHash64(event_key) % {slices:UInt32} = {slice:UInt32}`,
      { slices, slice },
    );
    counted += Number(positions);
    distinct += Number(keys);
  }
  return { positions: await positionsThere(clickhouse), interactions: Number(rows), counted, distinct };
}

/** `, 20,000 of them written again`, or nothing. */
export function writtenAgain({ interactions, counted }: RowCounts): string {
  return interactions === counted ? '' : `, ${count(interactions - counted)} of them written again`;
}

/** Log positions with an outcome, each once however often it was written. */
export async function positionsThere(clickhouse: ClickHouse): Promise<number> {
  const { positions } = await clickhouse.queryOne<{ positions: string }>(
    `SELECT sum(count) AS positions
     FROM
     (
       SELECT bitmapCardinality(groupBitmapMergeState(positions)) AS count
       FROM log_outcomes GROUP BY epoch, partition, bucket
     )`,
  );
  return Number(positions);
}
