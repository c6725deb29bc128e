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
 * Sets the consumers to the end of the backup where the log is still the one that was backed up; else opens an epoch that
 * begins where the log that is there does. Returns whether it is still the one.
 */
export async function goOn({ connection, manifest, clock }: RestoreOptions, part: MeteredPart): Promise<boolean> {
  const { admin, clickhouse, groupId } = connection;
  const { topic, until } = part;
  const extents = await admin.extents(topic);
  const isSame =
    (await admin.clusterId()) === manifest.clusterId &&
    extents.length === until.length &&
    extents.every(({ partition, end }) => end >= BigInt(until[partition] ?? 0));
  if (isSame) {
    await admin.setCommitted(groupId, topic, new Map(until.map((offset, partition) => [partition, BigInt(offset)])));
    return true;
  }
  const because = `restored from the backup of ${new Date(manifest.takenAt).toISOString()}, without its log`;
  await openLog(
    { clickhouse, admin, groupId, topic },
    { by: 'tally restore', because: `${because} (${new Date(clock()).toISOString()})`, afresh: true },
  );
  return false;
}
