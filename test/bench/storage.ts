/**
 * What lies on disk, and whether ClickHouse is still merging it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouse } from '@tally/platform/clickhouse';

export interface TableSize {
  table: string;
  rows: number;
  bytes: number;
  parts: number;
}

const LOOK_EVERY_MS = 500;
/** Merges that follow each other start within this time. */
const QUIET_MS = 5_000;
/** After this, what is measured is measured while merges go on, and the report says so. */
const SETTLE_MS_MAX = 900_000;

/** Every table that holds rows, the largest first. */
export async function tableSizes(clickhouse: ClickHouse): Promise<TableSize[]> {
  const rows = await clickhouse.query<{ table: string; rows: string; bytes: string; parts: string }>(
    `SELECT table, sum(rows) AS rows, sum(bytes_on_disk) AS bytes, count() AS parts
     FROM system.parts
     WHERE active AND database = {database:String}
     GROUP BY table
     ORDER BY bytes DESC`,
    { database: clickhouse.database },
  );
  return rows.map(({ table, rows: count, bytes, parts }) => ({
    table,
    rows: Number(count),
    bytes: Number(bytes),
    parts: Number(parts),
  }));
}

/**
 * Waits until ClickHouse has merged what it merges by itself, which leaves several parts a table: the state in which
 * tables are some time after a burst. Returns the seconds until its last merge, or null when it went on for too long.
 */
export async function untilMerged(clickhouse: ClickHouse): Promise<number | null> {
  const begun = Date.now();
  for (let quietSince = begun; ; await sleep(LOOK_EVERY_MS)) {
    const { merges } = await clickhouse.queryOne<{ merges: string }>('SELECT count() AS merges FROM system.merges');
    if (merges !== '0') quietSince = Date.now();
    if (Date.now() - quietSince >= QUIET_MS) return Math.round((quietSince - begun) / 1000);
    if (Date.now() - begun > SETTLE_MS_MAX) return null;
  }
}
