/**
 * Whether an acknowledged row would survive: the settings that a request of ours really runs under, and those of every
 * table that counts. A server that has others is refused.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';

/** What a request must run under, whatever the server's profiles say. */
const EFFECTIVE: Readonly<Record<string, string>> = {
  async_insert: '0',
  insert_deduplicate: '0',
  deduplicate_blocks_in_dependent_materialized_views: '0',
  materialized_views_ignore_errors: '0',
  max_partitions_per_insert_block: '0',
};

/** And where tables have replicas: a look-up that lacks an acknowledged row would let a repetition count. */
const EFFECTIVE_WITH_REPLICAS: Readonly<Record<string, string>> = {
  ...EFFECTIVE,
  insert_quorum: 'auto',
  insert_quorum_parallel: '0',
  select_sequential_consistency: '1',
};

/** What every MergeTree table must have, or a power cut loses rows that were acknowledged. */
const TABLE_SETTINGS = ['fsync_after_insert = 1', 'fsync_part_directory = 1'] as const;

/** Throws `DURABILITY_SETTINGS` naming every setting that is wrong and where. */
export async function checkDurability(clickhouse: ClickHouse): Promise<void> {
  const faults: string[] = [];
  for (const place of clickhouse.isCluster ? [clickhouse, ...clickhouse.shards] : [clickhouse]) {
    faults.push(...(await wrongRequestSettings(place)), ...(await wrongTableSettings(place)));
  }
  if (faults.length === 0) return;
  throw new TallyError(
    `ClickHouse would not keep what it acknowledges: ${faults.join('; ')}. Set them back, or let \`tally migrate\` create the tables`,
    { code: 'DURABILITY_SETTINGS', retriable: false },
  );
}

async function wrongRequestSettings(clickhouse: ClickHouse): Promise<string[]> {
  const effective = clickhouse.isReplicated ? EFFECTIVE_WITH_REPLICAS : EFFECTIVE;
  const rows = await clickhouse.query<{ name: string; value: string }>(
    'SELECT name, value FROM system.settings WHERE name IN ({names:Array(String)})',
    { names: Object.keys(effective) },
  );
  const found = new Map(rows.map(({ name, value }) => [name, value]));
  return Object.entries(effective)
    .filter(([name, wanted]) => found.get(name) !== wanted)
    .map(([name, wanted]) => `requests run with ${name}=${found.get(name) ?? 'unknown'}, it must be ${wanted}`);
}

async function wrongTableSettings(clickhouse: ClickHouse): Promise<string[]> {
  const rows = await clickhouse.query<{ name: string; engine_full: string }>(
    "SELECT name, engine_full FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'",
  );
  return rows.flatMap(({ name, engine_full }) =>
    TABLE_SETTINGS.filter((setting) => !engine_full.includes(setting)).map(
      (setting) => `table ${name} does not have ${setting}`,
    ),
  );
}
