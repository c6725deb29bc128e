/**
 * What became of a topic's records: the number of log positions with each outcome, over all its epochs.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';

export type LogOutcome = 'counted' | 'duplicate' | 'conflicting' | 'void' | 'suppressed' | 'dead-letter' | 'control';

/** Outcomes that did not occur are absent. */
export async function outcomeCounts(
  clickhouse: ClickHouse,
  topic: string,
): Promise<Partial<Record<LogOutcome, number>>> {
  const rows = await clickhouse.query<{ outcome: LogOutcome; count: string }>(
    `SELECT outcome, sum(in_bucket) AS count
     FROM
     (
       SELECT outcome, groupBitmapMerge(positions) AS in_bucket
       FROM log_outcomes
       WHERE epoch GLOBAL IN (SELECT epoch FROM logs WHERE topic = {topic:String})
       GROUP BY epoch, partition, bucket, outcome
     )
     GROUP BY outcome`,
    { topic },
  );
  return Object.fromEntries(rows.map(({ outcome, count }) => [outcome, Number(count)]));
}
