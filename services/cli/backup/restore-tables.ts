/**
 * Brings a database's tables back, marked as unfinished until somebody takes the mark away.
 */
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { migrateClickHouse } from '@tally/clickhouse-schema';
import { isRestoring, RESTORING_TABLE } from '@tally/consumer';
import { backupsDir } from '@tally/local';
import { ClickHouse } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import type { Connection } from '../connection.ts';
import { copyBack } from './clickhouse-copy.ts';
import { CLICKHOUSE_DIR } from './manifest.ts';
import type { RestoreOptions } from './restore.ts';

/** Throws `DATABASE_NOT_EMPTY`. What an earlier restore left unfinished is no database yet. */
export async function refuseDatabase(connection: Connection): Promise<void> {
  const { database } = connection.clickhouseOptions;
  await onServer(connection, async (server) => {
    const tables = await server.query('SELECT name FROM system.tables WHERE database = {database:String} LIMIT 1', {
      database,
    });
    if (tables.length === 0 || (await isRestoring(server, database))) return;
    throw new TallyError(
      `there is a database ${database} with tables: restore to another one with --database NAME, or drop it first`,
      { code: 'DATABASE_NOT_EMPTY', retriable: false },
    );
  });
}

/** Makes the database with the mark in it, copies the tables back, and brings them up to this version's schema. */
export async function restoreTables({ connection, manifest, from, dataDir }: RestoreOptions): Promise<void> {
  const { clickhouse, clickhouseOptions } = connection;
  const { database } = clickhouseOptions;
  await onServer(connection, async (server) => {
    if (await isRestoring(server, database)) await server.command(`DROP DATABASE ${database} SYNC`);
    await server.command(`CREATE DATABASE IF NOT EXISTS ${database}`);
  });
  await clickhouse.command(
    `CREATE TABLE ${RESTORING_TABLE} (backup String) ENGINE = MergeTree ORDER BY backup
     SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`,
  );
  const copy = { database: manifest.database };
  if (manifest.clickhouse.kind === 'disk') {
    const { disk, name } = manifest.clickhouse;
    await copyBack(clickhouse, { ...copy, place: { disk, name } });
  } else {
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
  await migrateClickHouse(clickhouseOptions);
}

/** Asks the server without naming the database, which may not be there. */
async function onServer({ clickhouseOptions }: Connection, work: (server: ClickHouse) => Promise<void>): Promise<void> {
  const server = new ClickHouse({ ...clickhouseOptions, database: 'default' });
  try {
    await work(server);
  } finally {
    await server.close();
  }
}
