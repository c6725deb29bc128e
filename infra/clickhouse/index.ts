/**
 * Brings a ClickHouse database to the newest schema: the numbered .sql files of this folder, in order, each once.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { ClickHouse, type ClickHouseOptions } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import { checkCopied, markCopy, unmarkCopy } from './copy-mark.ts';
import { noteShards, prepare } from './prepare.ts';

export { type Cluster, distributedSql, inClusterForm, Places } from './cluster-sql.ts';
export { type CopyProgress, copyHomeTables, copyLogTables } from './copy.ts';
export { checkCopied } from './copy-mark.ts';
export { TABLES, type TableKind, tablesOf } from './tables.ts';

interface Migration {
  name: string;
  sql: string;
  digest: string;
}

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
 * Creates the database if need be and applies what is missing: on one server, or, with several `shards`, on each of them.
 * Every statement is idempotent, so a crash in between costs nothing. Returns the names applied. Throws
 * `MIGRATION_CHANGED` when an applied file is not what it was, `SHARDS_DIFFER` when the database is one of other shards.
 * Throws `COPY_UNFINISHED` when it is yet to be filled.
 * @param unfinished it is to be filled: neither services nor this take the database until `finishCopy` is called
 */
export async function migrateClickHouse(
  options: ClickHouseOptions,
  { unfinished = false }: { unfinished?: boolean } = {},
): Promise<string[]> {
  const clickhouse = new ClickHouse(options);
  const closing = [() => clickhouse.close()];
  try {
    const form = await prepare(clickhouse, options);
    closing.push(form.close);
    if (unfinished) await markCopy(clickhouse);
    else await checkCopied(clickhouse);
    await form.makeHistory();
    const rows = await clickhouse.query<{ name: string; digest: string }>('SELECT name, digest FROM schema_migrations');
    const applied = new Map(rows.map(({ name, digest }) => [name, digest]));
    const done: string[] = [];
    let unnoted: { name: string; digest: string }[] = [];
    const note = async (): Promise<void> => {
      if (unnoted.length > 0) await clickhouse.insert('schema_migrations', unnoted);
      unnoted = [];
    };
    for (const { name, digest, sql } of migrations()) {
      const known = applied.get(name);
      if (known !== undefined && known !== digest) throw changed(name);
      // A new database, which nobody uses yet, is noted as a whole: one that was cut off begins anew, and each note takes
      // as long as two of the statements.
      if (known === undefined && applied.size > 0) await note();
      for (const statement of statements(sql)) await form.apply(statement, known !== undefined);
      if (known !== undefined) continue;
      unnoted.push({ name, digest });
      done.push(name);
    }
    // Before the last is noted: where nothing is missing, nothing is finished.
    await form.finish(done.length > 0);
    await note();
    if (!unfinished) await noteShards(clickhouse);
    return done;
  } finally {
    for (const close of closing) await close();
  }
}

/** To be called when a database that was made `unfinished` is filled: services take it from then on. */
export async function finishCopy(clickhouse: ClickHouse): Promise<void> {
  // In this order: a crash in between leaves a database that is whole, and that a migration takes.
  await unmarkCopy(clickhouse);
  await noteShards(clickhouse);
}

function changed(name: string): TallyError {
  return new TallyError(`${name} was applied in another form: add a new migration instead of changing one`, {
    code: 'MIGRATION_CHANGED',
    retriable: false,
  });
}

/** The statements of a migration. */
export function statements(sql: string): string[] {
  return sql
    .replace(/--[^\n]*/g, '')
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}
