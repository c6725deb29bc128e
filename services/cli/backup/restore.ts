/**
 * Brings a backup back. Until the last step the database carries a mark with which no service starts on it, and a restore
 * that finds the mark begins anew, so it may die anywhere:
 *   1. the backup's files are what they were, and no consumer runs   nothing is touched before
 *   2. the database is made, with the mark, and ClickHouse copies its tables back, each server its own
 *   3. topics that are missing are made, and those that are kept for ever get their records again, at their offsets
 *   4. the records of the log that came while the tables were copied are written at their positions: all tables are whole
 *   5. erasures are made again
 *   6. the consumers' offsets are set; where the log itself is lost, an empty one goes on as a new epoch
 *   7. the mark is taken away
 */
import { join } from 'node:path';
import { migrations } from '@tally/clickhouse-schema';
import { type ErasureNote, eraseAgain, RESTORING_TABLE } from '@tally/consumer';
import { type Ledger, ledger } from '@tally/figures';
import { createTopics } from '@tally/kafka-topics';
import { TallyError } from '@tally/platform/errors';
import { Sender } from '@tally/platform/kafka';
import { createLog } from '@tally/platform/log';
import { StatementRegister } from '@tally/statements';
import type { Connection } from '../connection.ts';
import { refuseReplicas } from './backup.ts';
import { isSecretOf, type Manifest } from './manifest.ts';
import { putBack } from './put-back.ts';
import { goOn, type LogSince, writeTails } from './restore-log.ts';
import { refuseDatabase, restoreTables } from './restore-tables.ts';

export interface RestoreOptions {
  connection: Connection;
  from: string;
  /** As checkedBackup gives it. */
  manifest: Manifest;
  dataDir?: string | undefined;
  replicationFactor: number;
  /** Erasures noted outside of the database, made after the backup. */
  erasures: readonly ErasureNote[];
  clock: () => number;
  onStep: (step: string) => void;
}

export interface RestoreReport {
  /** Records of the log that were written at their positions. */
  records: number;
  /** Of the topics kept for ever, by topic. */
  putBack: Record<string, number>;
  /** Topics whose log goes on where the backup ends. */
  survived: string[];
  /** So does that of these, as a new epoch: they have more partitions now. The others' is lost, and a new one begins. */
  widened: string[];
  /** Whether every position has exactly one outcome now. */
  ledger: Ledger;
}

const DELIVERY_TIMEOUT_MS = 60_000;

/** Throws `GROUP_ACTIVE`, `BACKUP_SHARDS`, `DATABASE_NOT_EMPTY`, `BACKUP_NEWER`, `IDENTIFIER_SECRET_DIFFERS` before anything is touched. */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreReport> {
  const { connection, manifest, from, erasures, onStep } = options;
  const { admin, clickhouse, topics, groupId, kafka } = connection;
  await refuse(options);
  const log = createLog('restore', 'error');
  const sender = new Sender({ kafka, log, deliveryTimeoutMs: DELIVERY_TIMEOUT_MS });
  try {
    onStep('copying tables back');
    await restoreTables(options);
    onStep('putting topics back');
    await createTopics(admin, {
      topics,
      partitions: manifest.metered[0]?.committed.length ?? 1,
      replicationFactor: options.replicationFactor,
    });
    const putBackRecords: Record<string, number> = {};
    for (const kept of manifest.kept) {
      putBackRecords[kept.topic] = await putBack(connection, sender, kept, join(from, kept.file));
    }
    onStep('writing the records that came meanwhile');
    const records = await writeTails(options, sender);
    onStep('making erasures again');
    await eraseAgain(clickhouse, erasures);
    onStep('setting offsets');
    const since = new Map<string, LogSince>();
    for (const part of manifest.metered) since.set(part.topic, await goOn(options, part));
    const which = (state: LogSince): string[] => [...since.keys()].filter((topic) => since.get(topic) === state);
    await new StatementRegister({ kafka, admin, sender, clickhouse, topic: topics.statements }).settle();
    const metered = [topics.interactions, topics.profiles];
    const balance = await ledger({ clickhouse, admin, groupId, topics: metered, clock: options.clock });
    await clickhouse.command(`DROP TABLE ${RESTORING_TABLE} SYNC`);
    return { records, putBack: putBackRecords, survived: which('same'), widened: which('widened'), ledger: balance };
  } finally {
    await sender.close();
  }
}

async function refuse({ connection, manifest }: RestoreOptions): Promise<void> {
  const { admin, clickhouse, groupId, topics } = connection;
  refuseReplicas(clickhouse);
  const servers = clickhouse.shards.length;
  if (manifest.shards !== servers) {
    const message = `the backup is of ${manifest.shards} ClickHouse server(s), ${servers} are named: restore it to as many, then \`tally reshard\``;
    throw refusal('BACKUP_SHARDS', message);
  }
  const members = await admin.members(groupId);
  if (members > 0) throw refusal('GROUP_ACTIVE', `${members} consumer(s) are in group ${groupId}: stop them first`);
  const known = new Map(migrations().map(({ name, digest }) => [name, digest]));
  const newer = Object.entries(manifest.migrations).filter(([name, digest]) => known.get(name) !== digest);
  if (newer.length > 0) {
    const names = newer.map(([name]) => name).join(', ');
    throw refusal('BACKUP_NEWER', `the backup has tables of another version of Tally: ${names}`);
  }
  const names = [...manifest.metered, ...manifest.kept].map(({ topic }) => topic);
  if (names.some((name) => !Object.values(topics).includes(name))) {
    throw refusal('TOPICS_DIFFER', `the backup has topics ${names.join(', ')}: set TALLY_TOPIC_PREFIX as it was`);
  }
  if (!isSecretOf(manifest.identifierSecret, connection.identifierSecret())) {
    const message = 'the identifier secret is not the one of the backup: people who are known would become strangers';
    throw refusal('IDENTIFIER_SECRET_DIFFERS', message);
  }
  await refuseDatabase(connection);
}

function refusal(code: string, message: string): TallyError {
  return new TallyError(message, { code, retriable: false });
}
