/**
 * Brings a database's tables back, marked as unfinished until somebody takes the mark away.
 */
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { distributedSql, migrateClickHouse } from '@tally/clickhouse-schema';
import { isRestoring, RESTORING_TABLE } from '@tally/consumer';
import { backupsDir } from '@tally/local';
import { ClickHouse, type ClickHouseOptions, shardDatabase } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import type { Connection } from '../connection.ts';
import { copyBack } from './clickhouse-copy.ts';
import { CLICKHOUSE_DIR } from './manifest.ts';
import type { RestoreOptions } from './restore.ts';

/** Throws `DATABASE_NOT_EMPTY`. What an earlier restore left unfinished is no database yet. */
export async function refuseDatabase(connection: Connection): Promise<void> {
  for (const { server, database } of serversOf(connection)) {
    await onServer(server, async (root) => {
      const tables = await root.query('SELECT name FROM system.tables WHERE database = {database:String} LIMIT 1', {
        database,
      });
      if (tables.length === 0 || (await isUnfinished(connection))) return;
      throw new TallyError(
        `there is a database ${database} with tables: restore to another one with --database NAME, or drop it first`,
        { code: 'DATABASE_NOT_EMPTY', retriable: false },
      );
    });
  }
}

/** Makes the database with the mark in it, copies the tables back, and brings them up to this version's schema. */
export async function restoreTables(options: RestoreOptions): Promise<void> {
  const { clickhouse, clickhouseOptions } = options.connection;
  await makeDatabases(options.connection);
  await copyTablesBack(options);
  const { cluster: name } = clickhouseOptions;
  if (clickhouse.isCluster && name !== undefined) {
    // As they were backed up they are over the database of that time, which may have had another name.
    const { database } = clickhouse;
    for (const sql of distributedSql({ name, database, replicated: false, onCluster: false }))
      await clickhouse.command(sql);
  }
  await migrateClickHouse(clickhouseOptions);
}

async function makeDatabases(connection: Connection): Promise<void> {
  const isAgain = await isUnfinished(connection);
  // The home last when it goes, and first when it comes: it has the mark.
  for (const { server, database } of serversOf(connection).toReversed()) {
    if (isAgain) await onServer(server, (root) => root.command(`DROP DATABASE IF EXISTS ${database} SYNC`));
  }
  for (const { server, database } of serversOf(connection)) {
    await onServer(server, (root) => root.command(`CREATE DATABASE IF NOT EXISTS ${database}`));
    if (database !== connection.clickhouseOptions.database) continue;
    await connection.clickhouse.command(
      `CREATE TABLE ${RESTORING_TABLE} (backup String) ENGINE = MergeTree ORDER BY backup
       SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`,
    );
  }
}

async function copyTablesBack({ connection, manifest, from, dataDir }: RestoreOptions): Promise<void> {
  const { clickhouse } = connection;
  const copy = { database: manifest.database };
  if (manifest.clickhouse.kind === 'disk') {
    const { disk, name } = manifest.clickhouse;
    await copyBack(clickhouse, { ...copy, place: { disk, name } });
    return;
  }
  if (dataDir === undefined) {
    const message = 'the backup is one of an embedded ClickHouse: restore it to a data directory, with --data';
    throw new TallyError(message, { code: 'BACKUP_EMBEDDED', retriable: false });
  }
  const staged = join(backupsDir(dataDir), manifest.id);
  rmSync(staged, { recursive: true, force: true });
  mkdirSync(backupsDir(dataDir), { recursive: true });
  cpSync(join(from, CLICKHOUSE_DIR), staged, { recursive: true });
  try {
    await copyBack(clickhouse, { ...copy, place: { path: staged } });
  } finally {
    rmSync(staged, { recursive: true, force: true });
  }
}

function isUnfinished({ clickhouseOptions }: Connection): Promise<boolean> {
  return onServer(clickhouseOptions, (root) => isRestoring(root, clickhouseOptions.database));
}

/** The databases there are to be, the home's first, and how to reach the server of each. */
function serversOf({ clickhouseOptions }: Connection): { server: ClickHouseOptions; database: string }[] {
  const { database, shards = [] } = clickhouseOptions;
  const own = shards.map((url) => ({ server: { ...clickhouseOptions, url }, database: shardDatabase(database) }));
  return [{ server: clickhouseOptions, database }, ...own];
}

/** Asks the server without naming the database, which may not be there. */
async function onServer<Result>(
  { shards: _, ...server }: ClickHouseOptions,
  work: (root: ClickHouse) => Promise<Result>,
): Promise<Result> {
  const root = new ClickHouse({ ...server, database: 'default' });
  try {
    return await work(root);
  } finally {
    await root.close();
  }
}
