/**
 * A cluster's shards as they are on record. Each shard knows which one it is and how many there are: with others in the
 * list, or the same in another order, rows would go where nobody looks for them, and figures would lack some.
 */
import type { ClickHouseSettings } from '@clickhouse/client';
import { TallyError } from '../errors.ts';
import type { ClickHouse } from './client.ts';

/** Where a shard keeps what the log fills. */
export function shardDatabase(database: string): string {
  return `${database}_shard`;
}

/** What each shard has on record of itself: the table `shards`. */
export interface ShardOnRecord {
  /** 0, 1, … */
  number: number;
  /** How many there are. */
  shards: number;
}

export const SHARDS_ON_RECORD = 'SELECT number, shards FROM shards ORDER BY number';

/** A replica that has not every acknowledged row yet refuses to answer. */
export const READ_IN_SEQUENCE = { select_sequential_consistency: '1' } as const;

/** With replicas: a row is acknowledged when most have it, and whoever reads sees every acknowledged row. */
export const REPLICATED_SETTINGS: ClickHouseSettings = {
  insert_quorum: 'auto',
  // Before the request itself ends; what is not acknowledged is sent again.
  insert_quorum_timeout: 60_000,
  // Reading in sequence takes quorums that come one after the other; one that meets another is refused and tried again.
  insert_quorum_parallel: 0,
  // Neither is a changed table, before every replica that is there has the change: what follows may need it.
  alter_sync: '2',
  ...READ_IN_SEQUENCE,
};

const NOT_THERE: ReadonlySet<string> = new Set(['CLICKHOUSE_UNKNOWN_DATABASE', 'CLICKHOUSE_UNKNOWN_TABLE']);

/** Throws `SHARDS_DIFFER` unless the client's shards are those that its database was made for, in their order. */
export async function checkShards(clickhouse: ClickHouse): Promise<void> {
  const { shards, database } = clickhouse;
  await Promise.all(
    shards.map(async (shard, number) => {
      const known = await onRecord(shard);
      const [one] = known;
      if (known.length === 1 && one?.number === number && one.shards === shards.length) return;
      throw new TallyError(
        `database ${database} ${said(known, shards.length)}: name its shards in TALLY_CLICKHOUSE_SHARDS as they were when it was made, or make a database of ${shards.length} with \`tally reshard\``,
        { code: 'SHARDS_DIFFER', retriable: false },
      );
    }),
  );
}

async function onRecord(shard: ClickHouse): Promise<ShardOnRecord[]> {
  try {
    return await shard.query<ShardOnRecord>(SHARDS_ON_RECORD);
  } catch (error) {
    if (error instanceof TallyError && NOT_THERE.has(error.code)) return [];
    throw error;
  }
}

function said(known: readonly ShardOnRecord[], asked: number): string {
  const [one] = known;
  if (!one) return `has nothing on one of the ${asked} servers that are named`;
  if (one.shards !== asked) return `is on ${one.shards} server(s), not on ${asked}`;
  return 'has its shards in another order';
}
