/**
 * The same statements for a cluster: which of its databases each is for, and in which form. Pure.
 */
import { shardDatabase } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import { TABLES, type TableKind, tablesOf } from './tables.ts';

export interface Cluster {
  /** As `<remote_servers>` calls it. */
  name: string;
  database: string;
  /**
   * Tables are replicated: needs Keeper and the macros `{shard}` and `{replica}`. Otherwise a statement is said to each
   * shard, and a row is on one server.
   */
  replicated: boolean;
  /** Every statement is said once and goes to all servers (`ON CLUSTER`). Otherwise it is said to each of them. */
  onCluster: boolean;
}

/** A statement, and which databases it is for: that of each shard, the one that people connect to, or both. */
export interface PlacedStatement {
  places: readonly ('shard' | 'home')[];
  sql: string;
}

const PLACES: Readonly<Record<TableKind, PlacedStatement['places']>> = {
  log: ['shard'],
  input: ['shard'],
  home: ['home'],
  both: ['shard', 'home'],
};

const SUBJECT = /^(CREATE TABLE IF NOT EXISTS|CREATE MATERIALIZED VIEW IF NOT EXISTS|ALTER TABLE|INSERT INTO)\s+(\w+)/;

/** Says where statements go that come one after another, in the order of the migrations. */
export class Places {
  /** View → the table that it fills. */
  readonly #views = new Map<string, string>();

  /** Throws `MIGRATION_UNPLACED` for a table that has no kind and for a statement of no known form. */
  of(sql: string): PlacedStatement {
    const [, verb, subject = ''] = SUBJECT.exec(sql) ?? [];
    const target = /^CREATE MATERIALIZED VIEW IF NOT EXISTS \w+ TO (\w+)/.exec(sql)?.[1];
    if (target !== undefined) this.#views.set(subject, target);
    const kind = TABLES[this.#views.get(subject) ?? subject];
    if (verb !== undefined && kind !== undefined) return { places: PLACES[kind], sql };
    throw new TallyError(`tables.ts does not say where this goes on a cluster: ${sql.slice(0, 80)}`, {
      code: 'MIGRATION_UNPLACED',
      retriable: false,
    });
  }
}

/** A statement in the form for one of a cluster's databases, which is the connection's own. */
export function inClusterForm(sql: string, place: 'shard' | 'home', cluster: Cluster): string {
  if (!cluster.replicated || sql.startsWith('INSERT INTO')) return sql;
  return replicatedEngine(sql.replace(SUBJECT, `$&${onCluster(cluster)}`), place, cluster);
}

function onCluster(cluster: Cluster): string {
  return cluster.onCluster ? ` ON CLUSTER '${cluster.name}'` : '';
}

/**
 * A shard's tables are copied among its replicas. The home tables are copied to every server, so that any server may be
 * connected to.
 */
function replicatedEngine(sql: string, place: 'shard' | 'home', { database }: Cluster): string {
  const [path, replica] =
    place === 'shard'
      ? [`/tally/${shardDatabase(database)}/{shard}`, '{replica}']
      : [`/tally/${database}`, '{shard}-{replica}'];
  const table = SUBJECT.exec(sql)?.[2] ?? '';
  return sql.replace(/ENGINE = (\w*MergeTree)(?:\(([^)]*)\))?/, (_, engine: string, args: string | undefined) => {
    const all = [`'${path}/${table}'`, `'${replica}'`, ...(args === undefined ? [] : [args])];
    return `ENGINE = Replicated${engine}(${all.join(', ')})`;
  });
}

/** What makes a database, before anything else. */
export function databaseSql(database: string, cluster: Cluster): string {
  return `CREATE DATABASE IF NOT EXISTS ${database}${onCluster(cluster)}`;
}

/** What makes the tables over all shards, in the database that people connect to; anew, since columns may have come. */
export function distributedSql(cluster: Cluster): string[] {
  const { name, database } = cluster;
  const shard = shardDatabase(database);
  return tablesOf('log').map(
    (table) =>
      `CREATE OR REPLACE TABLE ${database}.${table}${onCluster(cluster)} AS ${shard}.${table} ENGINE = Distributed('${name}', '${shard}', '${table}')`,
  );
}
