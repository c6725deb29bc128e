/**
 * How far a database is: which migrations it has had, and whether what they made is still there.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import { migrations } from './index.ts';

/** Names of migrations. */
export interface MigrationState {
  /** There are, and have not been applied. */
  missing: string[];
  /** Were applied with another content than they have here. */
  changed: string[];
  /** Were applied, and are not known here: newer code has been at work. */
  unknown: string[];
}

/** Throws what ClickHouse throws; without a database of Tally's, that its table of migrations is unknown. */
export async function migrationState(clickhouse: ClickHouse): Promise<MigrationState> {
  const applied = await appliedMigrations(clickhouse);
  const known = new Map(migrations().map(({ name, digest }) => [name, digest]));
  return {
    missing: [...known.keys()].filter((name) => !applied.has(name)),
    changed: [...known].filter(([name, digest]) => (applied.get(name) ?? digest) !== digest).map(([name]) => name),
    unknown: [...applied.keys()].filter((name) => !known.has(name)),
  };
}

/** The digest of each migration that the database has had, by name. */
export async function appliedMigrations(clickhouse: ClickHouse): Promise<Map<string, string>> {
  const rows = await clickhouse.query<{ name: string; digest: string }>(
    'SELECT name, digest FROM schema_migrations FINAL ORDER BY name',
  );
  return new Map(rows.map(({ name, digest }) => [name, digest]));
}

/** Tables and views that the applied migrations made and that are not there. */
export async function missingObjects(clickhouse: ClickHouse): Promise<{ tables: string[]; views: string[] }> {
  const applied = await appliedMigrations(clickhouse);
  const sql = migrations()
    .filter(({ name }) => applied.has(name))
    .map((migration) => migration.sql.replace(/--[^\n]*/g, ''))
    .join('\n');
  const dropped = namesIn(sql, /DROP (?:TABLE|VIEW) (?:IF EXISTS )?(\w+)/g);
  const rows = await clickhouse.query<{ name: string }>(
    'SELECT name FROM system.tables WHERE database = currentDatabase()',
  );
  const there = new Set(rows.map(({ name }) => name));
  const lacking = (created: RegExp): string[] =>
    [...namesIn(sql, created)].filter((name) => !there.has(name) && !dropped.has(name));
  return {
    tables: lacking(/CREATE TABLE (?:IF NOT EXISTS )?(\w+)/g),
    views: lacking(/CREATE MATERIALIZED VIEW (?:IF NOT EXISTS )?(\w+)/g),
  };
}

function namesIn(sql: string, pattern: RegExp): Set<string> {
  return new Set([...sql.matchAll(pattern)].map(([, name = '']) => name));
}
