/**
 * Makes the databases that migrations are applied to, and says how: to one server as they are written, to a cluster in its
 * form, statement by statement on each shard.
 */
import {
  ClickHouse,
  type ClickHouseOptions,
  SHARDS_ON_RECORD,
  type ShardOnRecord,
  shardDatabase,
} from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import { type Cluster, databaseSql, distributedSql, inClusterForm, Places } from './cluster-sql.ts';

export interface Form {
  /** Makes the table of applied migrations, in the database that people connect to. */
  makeHistory: () => Promise<void>;
  /** Applies a statement; of one that was applied before, only where it goes is taken in. */
  apply: (statement: string, isApplied: boolean) => Promise<void>;
  /** To be called when all are applied. */
  finish: (isChanged: boolean) => Promise<void>;
  close: () => Promise<void>;
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

/** Throws `SHARDS_DIFFER` for a database that was made for other shards, before anything is changed. */
export async function prepare(clickhouse: ClickHouse, options: ClickHouseOptions): Promise<Form> {
  return clickhouse.isCluster ? prepareCluster(clickhouse, options) : prepareServer(clickhouse, options);
}

async function prepareServer(clickhouse: ClickHouse, options: ClickHouseOptions): Promise<Form> {
  const { database } = options;
  await onServer(options, options.url, async (root) => {
    if (await isThere(root, shardDatabase(database))) throw differ(database, 'is on a cluster, not on one server');
    await root.command(`CREATE DATABASE IF NOT EXISTS ${database}`);
  });
  return {
    makeHistory: () => clickhouse.command(HISTORY),
    apply: async (statement, isApplied) => {
      if (!isApplied) await clickhouse.command(statement);
    },
    finish: async () => undefined,
    close: async () => undefined,
  };
}

async function prepareCluster(clickhouse: ClickHouse, options: ClickHouseOptions): Promise<Form> {
  const { database, shards: urls = [], replicated = false, cluster: name, replicas } = options;
  if (name === undefined) throw new TallyError('a cluster needs a name', { code: 'BUG', retriable: false });
  const cluster: Cluster = { name, database, replicated, onCluster: replicated && replicas === undefined };
  const { shards } = clickhouse;
  await onServer(options, options.url, async (root) => {
    const [isHere, isCluster] = [await isThere(root, database), await isThere(root, shardDatabase(database))];
    if (isHere && !isCluster) throw differ(database, `is on one server, not on ${shards.length}`);
    await checkName(root, cluster, shards.length);
  });
  for (const [number, url] of urls.entries()) {
    const wanted = { number, shards: urls.length };
    await checkShard(options, { url, shard: clickhouse.shardOf(number), wanted });
  }
  const said = cluster.onCluster ? [options.url] : [...urls, ...(replicas ?? [])];
  // The shard's database first: where both are there, it is a cluster.
  for (const url of said) {
    await onServer(options, url, (root) => root.command(databaseSql(shardDatabase(database), cluster)));
  }
  for (const url of replicated ? said : [options.url]) {
    await onServer(options, url, (root) => root.command(databaseSql(database, cluster)));
  }
  const audience = audienceOf(clickhouse, options, cluster);
  const say = async (place: 'shard' | 'home', sql: string): Promise<void> => {
    for (const server of audience[place]) await server.command(sql);
  };
  const places = new Places();
  return {
    makeHistory: () => say('home', inClusterForm(HISTORY, 'home', cluster)),
    apply: async (statement, isApplied) => {
      const placed = places.of(statement);
      if (isApplied) return;
      for (const place of placed.places) {
        const sql = inClusterForm(placed.sql, place, cluster);
        if (!sql.startsWith('INSERT INTO')) await say(place, sql);
        // A row is said once: replicas copy it, and each shard has its own.
        else for (const target of place === 'home' ? [clickhouse] : shards) await target.command(sql);
      }
    },
    finish: async (isChanged) => {
      if (isChanged) for (const sql of distributedSql(cluster)) await say('home', sql);
    },
    close: audience.close,
  };
}

/** Whom a statement that makes or changes a table is said to, in either database. */
interface Audience {
  shard: readonly ClickHouse[];
  home: readonly ClickHouse[];
  close: () => Promise<void>;
}

function audienceOf(
  clickhouse: ClickHouse,
  { shards: urls = [], replicas = [], ...options }: ClickHouseOptions,
  { replicated, onCluster }: Cluster,
): Audience {
  const { shards } = clickhouse;
  const close = async (): Promise<void> => undefined;
  if (onCluster) return { shard: shards.slice(0, 1), home: [clickhouse], close };
  if (!replicated) return { shard: shards, home: [clickhouse], close };
  const each = (database: string) => [...urls, ...replicas].map((url) => new ClickHouse({ ...options, url, database }));
  const [shard, home] = [each(shardDatabase(options.database)), each(options.database)];
  return {
    shard,
    home,
    close: async () => {
      for (const server of [...shard, ...home]) await server.close();
    },
  };
}

/** The servers' own configuration must have as many shards as are named: rows would be looked for elsewhere. */
async function checkName(root: ClickHouse, { name }: Cluster, shards: number): Promise<void> {
  const { known } = await root.queryOne<{ known: string }>(
    'SELECT uniqExact(shard_num) AS known FROM system.clusters WHERE cluster = {name:String}',
    { name },
  );
  if (Number(known) === shards) return;
  throw new TallyError(
    known === '0'
      ? `no cluster is called ${name} in the servers' <remote_servers>; TALLY_CLICKHOUSE_CLUSTER names it`
      : `the cluster ${name} has ${known} shard(s) in the servers' <remote_servers>, TALLY_CLICKHOUSE_SHARDS has ${shards}`,
    { code: 'SHARDS_DIFFER', retriable: false },
  );
}

async function checkShard(
  options: ClickHouseOptions,
  { url, shard, wanted }: { url: string; shard: ClickHouse; wanted: ShardOnRecord },
): Promise<void> {
  const isMade = await onServer(options, url, (root) =>
    root.query("SELECT 1 FROM system.tables WHERE database = {database:String} AND name = 'shards'", {
      database: shard.database,
    }),
  );
  if (isMade.length === 0) return;
  const [known] = await shard.query<ShardOnRecord>(SHARDS_ON_RECORD);
  if (!known || (known.number === wanted.number && known.shards === wanted.shards)) return;
  throw differ(
    options.database,
    `has shard ${known.number} of ${known.shards} on the server that is named as shard ${wanted.number} of ${wanted.shards}`,
  );
}

/** Notes on each server which shard it is: from then on services take the database. Throws `SHARDS_DIFFER`. */
export async function noteShards(clickhouse: ClickHouse): Promise<void> {
  for (const [number, shard] of clickhouse.shards.entries()) {
    const rows = await shard.query<ShardOnRecord>(SHARDS_ON_RECORD);
    if (rows.length === 0) await shard.insert('shards', [{ number, shards: clickhouse.shards.length }]);
  }
  await clickhouse.checkedShards();
}

async function onServer<Result>(
  { shards: _, ...options }: ClickHouseOptions,
  url: string,
  ask: (root: ClickHouse) => Promise<Result>,
): Promise<Result> {
  const root = new ClickHouse({ ...options, url, database: 'default' });
  try {
    return await ask(root);
  } finally {
    await root.close();
  }
}

async function isThere(root: ClickHouse, database: string): Promise<boolean> {
  const { known } = await root.queryOne<{ known: string }>(
    'SELECT count() AS known FROM system.databases WHERE name = {database:String}',
    { database },
  );
  return known !== '0';
}

function differ(database: string, what: string): TallyError {
  return new TallyError(
    `database ${database} ${what}: name its shards in TALLY_CLICKHOUSE_SHARDS as they were when it was made, or make another database with \`tally reshard\``,
    { code: 'SHARDS_DIFFER', retriable: false },
  );
}
