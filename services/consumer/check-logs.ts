/**
 * All that is asked of the logs before the first record is read, and again and again while records are.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import { type KafkaAdmin, readRecordsAt } from '@tally/platform/kafka';
import type { Logger } from '@tally/platform/log';
import { checkIdentity } from './log-identity.ts';
import { checkLog, type MeteredLog, recordedOffsets } from './logs.ts';

export interface LogChecks {
  logs: { interactions: MeteredLog; profiles: MeteredLog };
  kafka: Parameters<typeof readRecordsAt>[0]['kafka'];
  admin: KafkaAdmin;
  clickhouse: ClickHouse;
  groupId: string;
}

/** Throws a TallyError that is not retriable when a log is not what it was; see logs.ts and log-identity.ts. */
export async function checkLogsAtStart(checks: LogChecks): Promise<void> {
  for (const log of Object.values(checks.logs)) await checkLog(log, checks);
  const { logs, clickhouse, admin, kafka } = checks;
  for (const kind of ['interactions', 'profiles'] as const) {
    const log = logs[kind];
    const starts = new Map((await admin.extents(log.topic)).map(({ partition, start }) => [partition, start]));
    const places = [...(await recordedOffsets(clickhouse, log.epoch))]
      .map(([partition, offset]) => ({ topic: log.topic, partition, offset }))
      // What has expired since it was counted cannot be read again.
      .filter(({ partition, offset }) => offset >= (starts.get(partition) ?? 0n));
    const records = await readRecordsAt({ kafka, admin }, places);
    for (const { topic, partition } of places) {
      const record = records.get(`${topic}/${partition}`);
      if (record) await checkIdentity(clickhouse, log, kind, { partition, record });
    }
  }
}

export interface WatchOptions extends LogChecks {
  intervalMs: number;
  log: Logger;
  /** Told when a log is not what it was; the consumer must not go on. */
  onRefused: (error: TallyError) => void;
}

/** Checks the logs every `intervalMs`, one check at a time, until the returned function is called. */
export function watchLogs({ intervalMs, log, onRefused, ...checks }: WatchOptions): () => void {
  let checking = false;
  const check = async (): Promise<void> => {
    if (checking) return;
    checking = true;
    try {
      for (const metered of Object.values(checks.logs)) await checkLog(metered, checks);
    } catch (err) {
      if (err instanceof TallyError && !err.retriable) onRefused(err);
      else log.warn({ err }, 'the logs could not be checked, the next check takes over');
    } finally {
      checking = false;
    }
  };
  const timer = setInterval(check, intervalMs);
  return () => clearInterval(timer);
}
