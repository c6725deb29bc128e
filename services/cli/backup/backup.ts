/**
 * Takes a backup while everything runs. The order makes it whole:
 *   1. note what is committed: all before it is in every table
 *   2. ClickHouse copies its tables, one after another; rows that come meanwhile may be in some and not in others
 *   3. copy the log from what was noted up to its end: every row of step 2 is of a record before that end
 * A restore writes the records of step 3 once more at their positions, which makes every table hold all of them.
 */
import { randomUUID } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { appliedMigrations } from '@tally/clickhouse-schema/history';
import { checkRestored, currentLog } from '@tally/consumer';
import { backupsDir } from '@tally/local';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import type { Connection } from '../connection.ts';
import { copyDatabase } from './clickhouse-copy.ts';
import { CLICKHOUSE_DIR, type KeptPart, type Manifest, type MeteredPart, sealBackup, secretMark } from './manifest.ts';
import { copySecrets } from './secrets.ts';
import { writeTopicFile } from './topic-file.ts';

export interface BackupOptions {
  connection: Connection;
  /** Where to; it must not exist, or be empty. */
  to: string;
  /** Of the instance: ClickHouse writes within it, and its secrets go along. */
  dataDir?: string | undefined;
  /** Without an instance: a disk of ClickHouse's own, by its name in ClickHouse's configuration. */
  disk?: string | undefined;
  clock: () => number;
  /** Told of each step when it begins. */
  onStep: (step: string) => void;
}

export interface BackupReport {
  manifest: Manifest;
  /** That ClickHouse wrote. */
  bytes: number;
}

/** Throws `BACKUP_EXISTS`, `BACKUP_DISK_MISSING`, `BACKUP_FAILED`, `SHARDS_DIFFER`, and what Kafka and ClickHouse throw. */
export async function takeBackup(options: BackupOptions): Promise<BackupReport> {
  const { connection, to, clock, onStep } = options;
  const { clickhouse, admin, topics } = connection;
  refuseReplicas(clickhouse);
  await checkRestored(clickhouse);
  await clickhouse.checkedShards();
  const dir = emptyDir(to);
  const id = randomUUID();
  const takenAt = clock();
  onStep('noting what is committed');
  const noted = [await noteLog(connection, topics.interactions), await noteLog(connection, topics.profiles)];
  onStep('copying tables');
  const { clickhouse: part, bytes } = await copyTables(options, dir, id);
  onStep('copying topics');
  const metered: MeteredPart[] = [];
  for (const log of noted) metered.push(await copyTail(connection, dir, log));
  const kept: KeptPart[] = [];
  for (const topic of [topics.deadLetters, topics.alerts, topics.statements, topics.schemas]) {
    kept.push({ ...(await copyKept(connection, dir, topic)), compacted: topic === topics.schemas });
  }
  if (options.dataDir !== undefined) copySecrets(options.dataDir, dir);
  onStep('taking digests');
  const { version } = await clickhouse.queryOne<{ version: string }>('SELECT version() AS version');
  const manifest = await sealBackup(dir, {
    format: clickhouse.isCluster ? 2 : 1,
    id,
    takenAt,
    versions: { node: process.versions.node, clickhouse: version },
    clusterId: await admin.clusterId(),
    database: clickhouse.database,
    shards: clickhouse.shards.length,
    migrations: Object.fromEntries(await appliedMigrations(clickhouse)),
    clickhouse: part,
    metered,
    kept,
    identifierSecret: secretMark(connection.identifierSecret()),
  });
  return { manifest, bytes };
}

/** Throws `BACKUP_REPLICAS`: what is on several servers under one path in Keeper was never tried. */
export function refuseReplicas(clickhouse: ClickHouse): void {
  if (!clickhouse.isReplicated) return;
  throw new TallyError('a cluster with replicas is backed up with ClickHouse’s own BACKUP … ON CLUSTER', {
    code: 'BACKUP_REPLICAS',
    retriable: false,
  });
}

function emptyDir(to: string): string {
  const dir = resolve(to);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  if (readdirSync(dir).length === 0) return dir;
  throw new TallyError(`${dir} is not empty: each backup has a directory of its own`, {
    code: 'BACKUP_EXISTS',
    retriable: false,
  });
}

type Noted = Pick<MeteredPart, 'topic' | 'epoch' | 'committed'>;

async function noteLog({ clickhouse, admin, groupId }: Connection, topic: string): Promise<Noted> {
  const log = await currentLog(clickhouse, topic);
  const committed = await admin.committed(groupId, topic);
  return {
    topic,
    epoch: log.epoch,
    committed: log.starts.map((start, partition) => Number(later(committed.get(partition) ?? start, start))),
  };
}

function later(one: bigint, other: bigint): bigint {
  return one > other ? one : other;
}

async function copyTables(
  { connection: { clickhouse }, dataDir, disk }: BackupOptions,
  dir: string,
  id: string,
): Promise<{ clickhouse: Manifest['clickhouse']; bytes: number }> {
  if (disk !== undefined) {
    const name = `tally-${id}`;
    return { bytes: await copyDatabase(clickhouse, { disk, name }), clickhouse: { kind: 'disk', disk, name } };
  }
  if (dataDir === undefined) {
    throw new TallyError('a ClickHouse of one’s own writes its backup to a disk of its own: name it with --disk', {
      code: 'BACKUP_DISK_MISSING',
      retriable: false,
    });
  }
  const staged = join(backupsDir(dataDir), id);
  try {
    const bytes = await copyDatabase(clickhouse, { path: staged });
    moveDir(staged, join(dir, CLICKHOUSE_DIR));
    return { bytes, clickhouse: { kind: 'files' } };
  } finally {
    rmSync(staged, { recursive: true, force: true });
  }
}

/** Also to another disk. */
function moveDir(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EXDEV')) throw error;
    cpSync(from, to, { recursive: true });
  }
}

async function copyTail(connection: Connection, dir: string, noted: Noted): Promise<MeteredPart> {
  const { topic, committed } = noted;
  const until = (await connection.admin.extents(topic)).map(({ end }) => Number(end));
  const file = `${topic}.log.gz`;
  const from = new Map(committed.map((offset, partition) => [partition, BigInt(offset)]));
  const records = await writeTopicFile(connection, { topic, file: join(dir, file), from });
  return {
    ...noted,
    file,
    until: committed.map((offset, partition) => Math.max(until[partition] ?? 0, offset)),
    records,
  };
}

async function copyKept(connection: Connection, dir: string, topic: string): Promise<Omit<KeptPart, 'compacted'>> {
  const [extent = { start: 0n, end: 0n }] = await connection.admin.extents(topic);
  const file = `${topic}.log.gz`;
  await writeTopicFile(connection, { topic, file: join(dir, file), from: new Map() });
  return { topic, file, from: Number(extent.start), until: Number(extent.end) };
}
