/**
 * Takes an entity's id out of every table where it is readable. What the entity did stays counted under its key, which is
 * a hash. The log itself cannot be edited: there the id stays until the retention has passed.
 */
import { type ClickHouse, dateTime64 } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import type { EntityIdentity } from '@tally/schemas';
import { entityKeyOf } from './hash.ts';

export interface Erasure {
  entity: EntityIdentity;
  by: string;
  because: string;
}

export interface ErasureReport {
  /** Rows that no longer hold the id, by table. */
  rows: Record<string, number>;
  note: ErasureNote;
}

/** An erasure as it is on record, without the id: enough to make it again in a database that was restored. */
export interface ErasureNote {
  /** A decimal number. */
  entity_key: string;
  tenant_id: string;
  /** `YYYY-MM-DD hh:mm:ss.mmm`, UTC. */
  erased_at: string;
  by: string;
  because: string;
}

/** A row that was on its way when the erasure was noted may come after the first pass. */
const PASSES_MAX = 5;
/** They are part of the request's address. */
const KEYS_AT_ONCE_MAX = 500;

/** Resolves when no table holds the id; replays and late inserts do not bring it back. Throws `ERASE_INCOMPLETE`. */
export async function eraseEntity(clickhouse: ClickHouse, { entity, by, because }: Erasure): Promise<ErasureReport> {
  const key = BigInt(`0x${Buffer.from(entityKeyOf(entity)).reverse().toString('hex')}`).toString();
  // 1. Note it first, on each server: from here on the views write no id for this entity.
  const note = { entity_key: key, tenant_id: entity.tenantId, erased_at: dateTime64(Date.now()), by, because };
  for (const shard of clickhouse.shards) await shard.insert('erasures', [note]);
  if (clickhouse.isCluster) await clickhouse.insert('erasures', [note]);
  // 2. Rewrite what is there; again until nothing is left.
  const rows: Record<string, number> = {};
  for (const shard of clickhouse.shards) {
    for (const table of await tablesWithEntityIds(shard)) {
      rows[table] = (rows[table] ?? 0) + (await eraseFrom(shard, table, { key, tenantId: entity.tenantId }));
    }
  }
  return { rows, note };
}

/**
 * Makes erasures again, those on record and more that were noted elsewhere: a database that was restored may hold ids
 * that were taken out after the backup, or while it was made. Resolves when no table holds them. Throws
 * `ERASE_INCOMPLETE`.
 */
export async function eraseAgain(clickhouse: ClickHouse, more: readonly ErasureNote[] = []): Promise<void> {
  if (clickhouse.isCluster) await clickhouse.insert('erasures', more);
  for (const shard of clickhouse.shards) {
    await shard.insert('erasures', more);
    for (const table of await tablesWithEntityIds(shard)) await eraseNotedFrom(shard, table);
  }
}

/** Key by key: a table that is replicated takes no mutation that asks another table. */
async function eraseNotedFrom(clickhouse: ClickHouse, table: string): Promise<void> {
  const passes = new Map<string, number>();
  for (;;) {
    const rows = await clickhouse.query<{ key: string }>(
      `SELECT DISTINCT toString(entity_key) AS key FROM ${table}
       WHERE entity_id != '' AND entity_key IN (SELECT entity_key FROM erasures) LIMIT ${KEYS_AT_ONCE_MAX}`,
    );
    if (rows.length === 0) return;
    for (const { key } of rows) {
      const pass = (passes.get(key) ?? 0) + 1;
      if (pass > PASSES_MAX) throw keepComing(table);
      passes.set(key, pass);
    }
    await clickhouse.command(
      `ALTER TABLE ${table} UPDATE entity_id = ''
       WHERE entity_id != '' AND entity_key IN {keys:Array(UInt128)} SETTINGS mutations_sync = 2`,
      { keys: rows.map(({ key }) => BigInt(key)) },
    );
  }
}

async function eraseFrom(
  clickhouse: ClickHouse,
  table: string,
  params: { key: string; tenantId: string },
): Promise<number> {
  const readable = "tenant_id = {tenantId:String} AND entity_key = {key:UInt128} AND entity_id != ''";
  let erased = 0;
  for (let pass = 0; pass < PASSES_MAX; pass++) {
    const { left } = await clickhouse.queryOne<{ left: string }>(
      `SELECT count() AS left FROM ${table} WHERE ${readable}`,
      params,
    );
    if (left === '0') return erased;
    erased += Number(left);
    await clickhouse.command(
      `ALTER TABLE ${table} UPDATE entity_id = '' WHERE ${readable} SETTINGS mutations_sync = 2`,
      params,
    );
  }
  throw keepComing(table);
}

function keepComing(table: string): TallyError {
  const message = `rows of an entity that is erased keep coming into ${table}: try again`;
  return new TallyError(message, { code: 'ERASE_INCOMPLETE', retriable: true });
}

/** Found by their columns, so that a table added later is not forgotten. */
async function tablesWithEntityIds(clickhouse: ClickHouse): Promise<string[]> {
  const rows = await clickhouse.query<{ table: string }>(`
    SELECT columns.table AS table
    FROM system.columns AS columns
    INNER JOIN system.tables AS tables ON tables.database = columns.database AND tables.name = columns.table
    WHERE columns.database = currentDatabase() AND tables.engine LIKE '%MergeTree'
      AND columns.name IN ('entity_id', 'entity_key', 'tenant_id')
    GROUP BY table
    HAVING count() = 3
    ORDER BY table`);
  return rows.map(({ table }) => table);
}
