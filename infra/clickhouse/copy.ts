/**
 * Copies a database to one of other shards, table by table and shard by shard. Each row goes where its partition belongs;
 * tables that have no place in the log are made anew from the rows that have one. Everything may be copied again: it
 * becomes the same rows.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import { tablesOf } from './tables.ts';

export interface CopyProgress {
  table: string;
  /** Rows that the target's tables have. */
  rows: number;
  ms: number;
}

const partitionOf = (position: string): string => `bitAnd(bitShiftRight(${position}, 40), 0xFFFF)`;

interface Copied {
  table: string;
  /** The columns, where they are not those of `from`. */
  select?: string;
  from?: string;
  /** Of a row of `from`. */
  partition: string;
  /** Behind the condition. */
  group?: string;
}

/** Every position of a day's two bitmaps, with whether it is a counted one. */
const DAY_POSITIONS = `(
  SELECT
    tenant_id, day, environment_id, channel, direction,
    arrayJoin(arrayConcat(
      arrayMap(position -> (position, 1), bitmapToArray(counted)), arrayMap(position -> (position, 0), bitmapToArray(voided))
    )) AS place
  FROM {source}.daily_interactions
)`;

/**
 * What became of the log's positions comes first: the rows of all that has an outcome then are there when the other tables
 * are read. What is written meanwhile is written again, since the consumers go on from these outcomes.
 */
const COPIED: readonly Copied[] = [
  { table: 'log_outcomes', partition: 'partition' },
  { table: 'event_index', partition: partitionOf('position') },
  { table: 'interactions', partition: partitionOf('position') },
  { table: 'voided_interactions', partition: partitionOf('void_position') },
  { table: 'conflicting_interactions', partition: partitionOf('position') },
  {
    table: 'daily_interactions',
    select: `tenant_id, day, environment_id, channel, direction,
      groupBitmapStateIf(place.1, place.2 = 1) AS counted, groupBitmapStateIf(place.1, place.2 = 0) AS voided`,
    from: DAY_POSITIONS,
    partition: partitionOf('place.1'),
    group: 'GROUP BY tenant_id, day, environment_id, channel, direction',
  },
  {
    // A row's days do not say where in the log they come from; the interactions do.
    table: 'entity_months',
    select: `tenant_id, toStartOfMonth(day) AS month, environment_id, entity_type, entity_key, channel, direction,
      bitShiftLeft(toUInt32(1), toDayOfMonth(day) - 1) AS days`,
    from: '{source}.interactions',
    partition: partitionOf('position'),
  },
  { table: 'profile_records', partition: partitionOf('position') },
  { table: 'profile_changes', partition: partitionOf('position') },
  { table: 'activity', partition: 'partition' },
  { table: 'activity_days', partition: 'partition' },
];

/** Tables that the log fills and that are not copied: `tally migrate` writes what is in them. */
const NOT_COPIED: ReadonlySet<string> = new Set(['shards', 'key_schemes']);

/** The tables that are copied by their places in the log. */
export const COPIED_TABLES: readonly string[] = COPIED.map(({ table }) => table);
export const MADE_BY_MIGRATIONS: ReadonlySet<string> = NOT_COPIED;

/**
 * Copies what the log fills from a database of the same server into `target`, which must have its tables.
 * @param source its name; the tables of one server, or those over all shards
 */
export async function copyLogTables(
  target: ClickHouse,
  source: string,
  onTable: (progress: CopyProgress) => void,
): Promise<void> {
  for (const copied of COPIED) {
    const startedAt = performance.now();
    for (const shard of target.shards.keys()) await target.command(copySql(target, { source, copied, shard }));
    const { rows } = await target.queryOne<{ rows: string }>(`SELECT count() AS rows FROM ${copied.table}`);
    onTable({ table: copied.table, rows: Number(rows), ms: performance.now() - startedAt });
  }
}

function copySql(
  target: ClickHouse,
  { source, copied, shard }: { source: string; copied: Copied; shard: number },
): string {
  const { table, select = '*', from = `{source}.${table}`, partition, group = '' } = copied;
  const where = target.isCluster ? `WHERE ${partition} % ${target.shards.length} = ${shard}` : '';
  const settings = target.isCluster ? ` SETTINGS insert_shard_id = ${shard + 1}` : '';
  return `INSERT INTO ${table}${settings} SELECT ${select} FROM ${from} ${where} ${group}`.replaceAll(
    '{source}',
    source,
  );
}

/**
 * Copies what people and services have written and the target does not have yet, in a database of the same server; may be
 * done again at any time. Returns the rows copied, of tables that had any.
 */
export async function copyHomeTables(target: ClickHouse, source: string): Promise<Record<string, number>> {
  const copied: Record<string, number> = {};
  for (const table of tablesOf('home', 'both')) {
    const digest = 'sipHash128(toString(tuple(*)))';
    const missing = `FROM ${source}.${table} WHERE ${digest} NOT IN (SELECT ${digest} FROM ${target.database}.${table})`;
    const { rows } = await target.queryOne<{ rows: string }>(`SELECT count() AS rows ${missing}`);
    if (rows === '0') continue;
    await target.command(`INSERT INTO ${table} SELECT * ${missing}`);
    copied[table] = Number(rows);
  }
  const erasures = await target.query<object>('SELECT * FROM erasures');
  for (const shard of target.isCluster ? target.shards : []) await shard.insert('erasures', erasures);
  return copied;
}
