/**
 * Makes a database of other shards beside the one in use, by copying each row to the shard of its partition. The old one
 * is only read, so services go on with it until they are started on the new one.
 */
import { loggedRun } from '@tally/aggregator';
import {
  type CopyProgress,
  copyHomeTables,
  copyLogTables,
  finishCopy,
  migrateClickHouse,
} from '@tally/clickhouse-schema';
import { checkPartitions, readLogs } from '@tally/consumer';
import { allFigures, differences, outcomeCounts, REPLAY_JOB } from '@tally/figures';
import { ClickHouse, type ClickHouseOptions, shardDatabase } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';

export interface ReshardReport {
  /** Of the new database. */
  shards: number;
  tables: CopyProgress[];
  /** Rows that people and services have written. */
  written: Record<string, number>;
  copyMs: number;
  /** On the disks of all servers, of the database copied and of the new one. */
  bytes: { source: number; target: number };
  figures: number;
  /** Figures and outcomes that differ, in words; none where both databases say the same. */
  differences: string[];
}

/**
 * Copies, and compares every figure. After a crash it may be called again, and goes on: whatever is copied twice is one.
 * Throws `DATABASE_EXISTS` for a database that is in use, `PARTITIONS_AND_SHARDS`, and what `migrateClickHouse` throws.
 * @param source on the same first server as the target
 * @param metered topics whose outcomes are compared
 */
export async function reshard(
  source: ClickHouse,
  options: ClickHouseOptions,
  { metered, onTable }: { metered: readonly string[]; onTable: (progress: CopyProgress) => void },
): Promise<ReshardReport> {
  const target = new ClickHouse(options);
  try {
    await source.checkedShards();
    checkPartitions(target, await readLogs(source));
    await refuseFinished(target);
    await migrateClickHouse(options, { unfinished: true });
    const startedAt = performance.now();
    const tables: CopyProgress[] = [];
    let written: Record<string, number> = {};
    await copyLogTables(target, source.database, (table) => {
      tables.push(table);
      onTable(table);
    });
    // Everything that was worked out is worked out again: it hangs on tables that were made anew.
    await loggedRun({ clickhouse: target, job: REPLAY_JOB, clock: Date.now }, async () => {
      written = await copyHomeTables(target, source.database);
      return { scope: 'all' };
    });
    const copyMs = performance.now() - startedAt;
    // From here on services take it.
    await finishCopy(target);
    const [before, after] = [await everything(source, metered), await everything(target, metered)];
    return {
      shards: target.shards.length,
      tables,
      written,
      copyMs,
      bytes: { source: await bytesOf(source), target: await bytesOf(target) },
      figures: before.size,
      differences: differences(before, after),
    };
  } finally {
    await target.close();
  }
}

/** Copies what was written into the old database since; it may be done again at any time. Returns rows by table. */
export async function carryOver(target: ClickHouse, source: string): Promise<Record<string, number>> {
  await target.checkedShards();
  return copyHomeTables(target, source);
}

async function refuseFinished(target: ClickHouse): Promise<void> {
  const rows = await target
    .query("SELECT 1 FROM system.tables WHERE name = 'shards' AND database IN ({databases:Array(String)})", {
      databases: [target.database, shardDatabase(target.database)],
    })
    .catch((error: unknown) => {
      if (error instanceof TallyError && error.code === 'CLICKHOUSE_UNKNOWN_DATABASE') return [];
      throw error;
    });
  if (rows.length === 0) return;
  const noted = await target.shards[0]?.query('SELECT 1 FROM shards');
  if (noted?.length === 0) return;
  throw new TallyError(`database ${target.database} is there already`, { code: 'DATABASE_EXISTS', retriable: false });
}

async function everything(clickhouse: ClickHouse, metered: readonly string[]): Promise<Map<string, string>> {
  const all = await allFigures(clickhouse, Date.now());
  for (const topic of metered) {
    for (const [outcome, positions] of Object.entries(await outcomeCounts(clickhouse, topic)).sort()) {
      all.set(`${outcome} positions of ${topic}`, String(positions));
    }
  }
  return all;
}

async function bytesOf(clickhouse: ClickHouse): Promise<number> {
  const places = new Set([clickhouse, ...clickhouse.shards]);
  const bytes = await Promise.all(
    [...places].map((place) =>
      place.queryOne<{ bytes: string }>(
        'SELECT sum(bytes_on_disk) AS bytes FROM system.parts WHERE active AND database = currentDatabase()',
      ),
    ),
  );
  return bytes.reduce((sum, one) => sum + Number(one.bytes), 0);
}
