/**
 * The servers of a ClickHouse cluster: whether each is there, is the one it is taken for, and has what the others have.
 */
import { tablesOf } from '@tally/clickhouse-schema';
import { checkPartitions } from '@tally/consumer';
import { type ClickHouse, checkShards, SHARDS_ON_RECORD, type ShardOnRecord } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import type { Finding, Looked } from './check.ts';
import { serverFindings } from './server.ts';
import type { DoctorSources } from './sources.ts';

const ONE_SERVER = 'one server';

/** The servers beside the home, which has a check of its own. */
export async function checkServers({ clickhouse }: DoctorSources): Promise<Looked> {
  if (!clickhouse.isCluster) return { seen: ONE_SERVER };
  const looked = await Promise.all(
    clickhouse.shards
      .slice(1)
      .map((shard, index) =>
        serverFindings(shard, { name: nameOf(clickhouse, index + 1), unreachable: 'SHARD_UNREACHABLE' }),
      ),
  );
  return {
    seen: `${clickhouse.shards.length} servers answer`,
    findings: looked.flatMap(({ findings = [] }) => findings),
  };
}

/** What a shard is called where people read it. */
export function nameOf({ shards }: ClickHouse, number: number): string {
  return `shard ${number} (${shards[number]?.address ?? 'unknown'})`;
}

/** Whether each server is the shard that the list says, and the tables over all shards lead to all of them. */
export async function checkShardOrder({ clickhouse }: DoctorSources): Promise<Looked> {
  if (!clickhouse.isCluster) {
    // Throws `SHARDS_DIFFER` for a database that is on several. Tables of before there were shards have no such record.
    if (await answers(clickhouse, 'CLICKHOUSE_UNKNOWN_TABLE')) await checkShards(clickhouse);
    return { seen: ONE_SERVER };
  }
  const lost: Finding[] = [];
  for (const [number, shard] of clickhouse.shards.entries()) {
    if (await answers(shard, 'CLICKHOUSE_UNKNOWN_DATABASE')) continue;
    const what = `${nameOf(clickhouse, number)} has no database ${shard.database}: what it had is in no figure`;
    lost.push({ code: 'SHARD_LOST', severity: 'failing', what });
  }
  if (lost.length > 0) return { seen: '', findings: lost };
  await checkShards(clickhouse);
  return { seen: 'each is the one on record', findings: await wrongWays(clickhouse) };
}

/** Whether the question which shard it is does not fail with the given code. */
async function answers(place: ClickHouse, failure: string): Promise<boolean> {
  try {
    await place.query(SHARDS_ON_RECORD);
    return true;
  } catch (error) {
    if (error instanceof TallyError && error.code === failure) return false;
    if (error instanceof TallyError && error.code === 'CLICKHOUSE_UNKNOWN_TABLE') return true;
    throw error;
  }
}

/** Tables over all shards go by the servers' own configuration, which no list of ours is held against but here. */
async function wrongWays(clickhouse: ClickHouse): Promise<Finding[]> {
  const known = await clickhouse.query<ShardOnRecord>(SHARDS_ON_RECORD);
  const wanted = clickhouse.shards.map((_, number) => number).join(', ');
  const found = known.map(({ number }) => number).join(', ');
  const findings: Finding[] = [];
  if (found !== wanted) {
    const what = `the tables over all shards lead to shard(s) ${found || 'none'}, not ${wanted}`;
    findings.push({ code: 'CLUSTER_DIFFERS', severity: 'failing', what });
  }
  const clusters = await clickhouse.query<{ cluster: string; tables: string[] }>(
    `SELECT extract(engine_full, '^Distributed\\\\(\\'([^\\']*)') AS cluster, arraySort(groupArray(name)) AS tables
     FROM system.tables WHERE database = currentDatabase() AND engine = 'Distributed'
     GROUP BY cluster ORDER BY count() DESC`,
  );
  for (const { cluster, tables } of clusters.slice(1)) {
    const what = `${tables.join(', ')}: over cluster ${cluster}, the others over ${clusters[0]?.cluster}`;
    findings.push({ code: 'CLUSTER_DIFFERS', severity: 'failing', what });
  }
  return findings;
}

/** Whether every shard, and the tables over all of them, have the same columns. */
export async function checkColumns({ clickhouse }: DoctorSources): Promise<Looked> {
  if (!clickhouse.isCluster) return { seen: ONE_SERVER };
  const shards = await Promise.all(
    clickhouse.shards.map((shard) => columnsOf(shard, tablesOf('log', 'input', 'both'))),
  );
  const all = new Map(shards.flatMap((columns) => [...columns]));
  const findings = shards.flatMap((columns, number) => behind(nameOf(clickhouse, number), columns, all));
  const overAll = new Set(tablesOf('log'));
  const distributed = await columnsOf(clickhouse, [...overAll]);
  const wanted = new Map([...all].filter(([name]) => overAll.has(name.split('.', 1)[0] ?? '')));
  return {
    seen: `the same on ${shards.length} servers`,
    findings: [...findings, ...behind('a table over all shards', distributed, wanted)],
  };
}

/** `table.column` → its type. */
async function columnsOf(place: ClickHouse, tables: readonly string[]): Promise<Map<string, string>> {
  const rows = await place.query<{ name: string; type: string }>(
    `SELECT concat(table, '.', name) AS name, type FROM system.columns
     WHERE database = currentDatabase() AND table IN ({tables:Array(String)})`,
    { tables },
  );
  return new Map(rows.map(({ name, type }) => [name, type]));
}

function behind(where: string, columns: ReadonlyMap<string, string>, all: ReadonlyMap<string, string>): Finding[] {
  const missing = [...all].filter(([name, type]) => columns.get(name) !== type).map(([name]) => name);
  if (missing.length === 0) return [];
  const what = `${where} does not have, or has of another type: ${missing.sort().join(', ')}`;
  return [{ code: 'SHARD_BEHIND', severity: 'failing', what }];
}

/** Throws `PARTITIONS_AND_SHARDS`, as the consumer and `tally log open` do. */
export async function checkSpread({ clickhouse, admin, topics }: DoctorSources): Promise<void> {
  if (!clickhouse.isCluster) return;
  for (const topic of [topics.interactions, topics.profiles]) {
    checkPartitions(clickhouse, [{ topic, partitions: (await admin.extents(topic)).length }]);
  }
}
