/**
 * A replay of the log, with a bar for whoever waits.
 */
import { loggedRun } from '@tally/aggregator';
import { IdentifierHasher, type ReplayReport, replay } from '@tally/consumer';
import { REPLAY_JOB } from '@tally/figures';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { createLog } from '@tally/platform/log';
import type { Connection } from './connection.ts';
import { progressBar } from './progress.ts';

/**
 * Writes the log onto a database, and notes it in its run log: whatever was worked out before is worked out again.
 * Throws as `replay` does.
 */
export async function replayWithProgress(
  connection: Connection,
  target: ClickHouse,
  { complete }: { complete: boolean },
): Promise<ReplayReport & { durationMs: number }> {
  const { kafka, admin, clickhouse: source, topics, groupId, identifierSecret } = connection;
  const startedAt = Date.now();
  let bar: ReturnType<typeof progressBar> | undefined;
  try {
    let report: ReplayReport = { records: 0, expired: 0 };
    await loggedRun({ clickhouse: target, job: REPLAY_JOB, clock: Date.now }, async () => {
      report = await replay(
        {
          kafka,
          admin,
          source,
          target,
          topics,
          groupId,
          hasher: new IdentifierHasher(identifierSecret()),
          log: createLog('replay', 'error'),
          onProgress: (done, total) => {
            bar ??= progressBar('replaying', total, 'records');
            bar.update(done);
          },
        },
        { complete },
      );
      return { scope: 'all' };
    });
    bar?.finish(report.records);
    return { ...report, durationMs: Date.now() - startedAt };
  } finally {
    bar?.stop();
  }
}
