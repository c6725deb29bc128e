/**
 * Brings a ClickHouse database to the newest schema: the numbered .sql files of this folder, in order, each once.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { ClickHouse, type ClickHouseOptions } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';

interface Migration {
  name: string;
  sql: string;
  digest: string;
}

const HISTORY = `CREATE TABLE IF NOT EXISTS schema_migrations
(
    name       String,
    digest     String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree
ORDER BY name
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`;

/** The migrations there are, in the order they apply. */
export function migrations(): Migration[] {
  return readdirSync(new URL('.', import.meta.url))
    .filter((name) => /^\d{4}_\w+\.sql$/.test(name))
    .sort()
    .map((name) => {
      const sql = readFileSync(new URL(name, import.meta.url), 'utf8');
      return { name, sql, digest: createHash('sha256').update(sql).digest('hex') };
    });
}

/**
 * Creates the database if need be and applies what is missing. Every statement is idempotent, so a crash in between
 * costs nothing. Returns the names applied. Throws `MIGRATION_CHANGED` when an applied file is not what it was.
 */
export async function migrateClickHouse(options: ClickHouseOptions): Promise<string[]> {
  const root = new ClickHouse({ ...options, database: 'default' });
  await root.command(`CREATE DATABASE IF NOT EXISTS ${options.database}`);
  await root.close();

  const clickhouse = new ClickHouse(options);
  try {
    await clickhouse.command(HISTORY);
    const rows = await clickhouse.query<{ name: string; digest: string }>('SELECT name, digest FROM schema_migrations');
    const applied = new Map(rows.map(({ name, digest }) => [name, digest]));
    const done: string[] = [];
    for (const migration of migrations()) {
      const digest = applied.get(migration.name);
      if (digest === migration.digest) continue;
      if (digest !== undefined) throw changed(migration.name);
      for (const statement of statements(migration.sql)) await clickhouse.command(statement);
      await clickhouse.insert('schema_migrations', [{ name: migration.name, digest: migration.digest }]);
      done.push(migration.name);
    }
    return done;
  } finally {
    await clickhouse.close();
  }
}

function changed(name: string): TallyError {
  return new TallyError(`${name} was applied in another form: add a new migration instead of changing one`, {
    code: 'MIGRATION_CHANGED',
    retriable: false,
  });
}

function statements(sql: string): string[] {
  return sql
    .replace(/--[^\n]*/g, '')
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}
