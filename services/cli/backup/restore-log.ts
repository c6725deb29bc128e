/**
 * Makes the restored tables whole up to the end of the backup, and says where consumers go on.
 */
import { join } from 'node:path';
import { loggedRun } from '@tally/aggregator';
import { IdentifierHasher, openLog, readLogs, writeRecords } from '@tally/consumer';
import { REPLAY_JOB } from '@tally/figures';
import { TallyError } from '@tally/platform/errors';
import type { Sender } from '@tally/platform/kafka';
import { createLog } from '@tally/platform/log';
import type { Connection } from '../connection.ts';
import type { MeteredPart } from './manifest.ts';
import type { RestoreOptions } from './restore.ts';
import { readTopicFile } from './topic-file.ts';

/**
 * Writes what came while the tables were copied, at the positions it had. The run log notes it as a replay, so that
 * whatever was published while the tables were copied is worked out again. Returns how many records were written.
 */
export async function writeTails(
  { connection, manifest, from, clock }: RestoreOptions,
  sender: Pick<Sender, 'send'>,
): Promise<number> {
  const { kafka, admin, clickhouse, topics, identifierSecret } = connection;
  const logs = await readLogs(clickhouse);
  let records = 0;
  await loggedRun({ clickhouse, job: REPLAY_JOB, clock }, async () => {
    for (const { topic, epoch, committed, until, file } of manifest.metered) {
      const metered = logs.find((log) => log.topic === topic && log.epoch === epoch);
      if (!metered) {
        const message = `the backup’s tables do not know epoch ${epoch} of ${topic}`;
        throw new TallyError(message, { code: 'BACKUP_DAMAGED', retriable: false });
      }
      records += await writeRecords({
        kafka,
        admin,
        clickhouse,
        sender,
        topics,
        hasher: new IdentifierHasher(identifierSecret()),
        log: createLog('restore', 'error'),
        metered,
        stretches: committed.map((offset, partition) => ({ from: offset, until: until[partition] ?? offset })),
        records: readTopicFile(join(from, file)),
      });
    }
    return { scope: 'all' };
  });
  return records;
}

/**
 * What became of a metered log since the backup: it is there as it was, it is there and got more partitions, or another
 * one is there.
 */
export type LogSince = 'same' | 'widened' | 'another';

/**
 * Sets the consumers to the end of the backup where the log that was backed up is still there, in a new epoch if its keys
 * have moved to more partitions; else opens an epoch that begins where the log that is there does.
 */
export async function goOn(
  {
    connection,
    manifest,
    clock,
  }: Pick<RestoreOptions, 'clock'> & {
    connection: Pick<Connection, 'admin' | 'clickhouse' | 'groupId'>;
    manifest: Pick<RestoreOptions['manifest'], 'clusterId' | 'takenAt'>;
  },
  { topic, until }: Pick<MeteredPart, 'topic' | 'until'>,
): Promise<LogSince> {
  const { admin, clickhouse, groupId } = connection;
  const extents = await admin.extents(topic);
  const ends = new Map(extents.map(({ partition, end }) => [partition, end]));
  const isThere =
    (await admin.clusterId()) === manifest.clusterId &&
    until.every((offset, partition) => (ends.get(partition) ?? -1n) >= BigInt(offset));
  if (isThere && extents.length === until.length) {
    await admin.setCommitted(groupId, topic, new Map(until.map((offset, partition) => [partition, BigInt(offset)])));
    return 'same';
  }
  const since = isThere ? `its log has ${extents.length} partitions since` : 'without its log';
  const because = `restored from the backup of ${new Date(manifest.takenAt).toISOString()}, ${since}`;
  await openLog(
    { clickhouse, admin, groupId, topic },
    { by: 'tally restore', because: `${because} (${new Date(clock()).toISOString()})`, afresh: !isThere },
  );
  return isThere ? 'widened' : 'another';
}
