/**
 * A replay of the log, with a bar for whoever waits.
 */
import { IdentifierHasher, type ReplayReport, replay } from '@tally/consumer';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { createLog } from '@tally/platform/log';
import type { Connection } from './connection.ts';
import { progressBar } from './progress.ts';

/** Writes the log onto a database. Throws as `replay` does. */
export async function replayWithProgress(
  connection: Connection,
  target: ClickHouse,
  { complete }: { complete: boolean },
): Promise<ReplayReport & { durationMs: number }> {
  const { kafka, admin, clickhouse: source, topics, groupId, identifierSecret } = connection;
  const startedAt = Date.now();
  let bar: ReturnType<typeof progressBar> | undefined;
  try {
    const report = await replay(
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
    bar?.finish(report.records);
    return { ...report, durationMs: Date.now() - startedAt };
  } finally {
    bar?.stop();
  }
}
