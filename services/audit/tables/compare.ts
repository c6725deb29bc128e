/**
 * Compares two sets of log positions inside ClickHouse, each position with a hash of what is said of it, and lists those
 * that differ. Rows of parts that are not merged yet may repeat; a set does not mind.
 */
import type { ClickHouse, Params } from '@tally/platform/clickhouse';
import { DIFFERENCES_LISTED_MAX } from '../findings.ts';

/** Above this, ClickHouse sorts what it compares on disk, bytes. */
const MEMORY_BYTES_MAX = 2 * 1024 ** 3;

const SPILLING = `SETTINGS max_bytes_before_external_group_by = ${MEMORY_BYTES_MAX}`;

/** Two statements with the columns `position` and `content`, and what it means when they differ at a position. */
export interface PositionSets {
  left: string;
  right: string;
  onlyLeft: string;
  /** Absent: the right may hold more. */
  onlyRight?: string;
  /** Both have the position and say different things of it. */
  otherwise: string;
}

export interface Found {
  position: bigint;
  what: string;
}

/** Positions that differ, lowest first and at most `DIFFERENCES_LISTED_MAX`, with the numbers of all. */
export async function comparePositions(
  clickhouse: ClickHouse,
  sets: PositionSets,
  params: Params,
): Promise<{ compared: number; differing: number; found: Found[] }> {
  const looked = sets.onlyRight === undefined ? 'HAVING in_left' : '';
  const grouped = `
    SELECT
      position, max(side = 1) AS in_left, max(side = 2) AS in_right,
      NOT (in_left AND in_right AND min(content) = max(content)) AS differs
    FROM
    (
      SELECT position, toUInt64(content) AS content, 1 AS side FROM (${sets.left})
      UNION ALL
      SELECT position, toUInt64(content) AS content, 2 AS side FROM (${sets.right})
    )
    GROUP BY position
    ${looked}`;
  const counts = await countDiffering(clickhouse, grouped, params);
  if (counts.differing === 0) return { ...counts, found: [] };
  const rows = await clickhouse.query<{ position: string; in_left: number; in_right: number }>(
    `SELECT position, in_left, in_right FROM (${grouped}) WHERE differs
     ORDER BY position LIMIT ${DIFFERENCES_LISTED_MAX} ${SPILLING}`,
    params,
  );
  const found = rows.map(({ position, in_left, in_right }) => ({
    position: BigInt(position),
    what: !in_right ? sets.onlyLeft : !in_left ? (sets.onlyRight ?? '') : sets.otherwise,
  }));
  return { ...counts, found };
}

/**
 * Groups that break a rule. The statement has a row for each group: its position, whether it `differs`.
 */
export async function findOffenders(
  clickhouse: ClickHouse,
  grouped: string,
  what: string,
  params: Params,
): Promise<{ compared: number; differing: number; found: Found[] }> {
  const counts = await countDiffering(clickhouse, grouped, params);
  if (counts.differing === 0) return { ...counts, found: [] };
  const rows = await clickhouse.query<{ position: string }>(
    `SELECT position FROM (${grouped}) WHERE differs ORDER BY position LIMIT ${DIFFERENCES_LISTED_MAX} ${SPILLING}`,
    params,
  );
  return { ...counts, found: rows.map(({ position }) => ({ position: BigInt(position), what })) };
}

async function countDiffering(
  clickhouse: ClickHouse,
  grouped: string,
  params: Params,
): Promise<{ compared: number; differing: number }> {
  const { compared, differing } = await clickhouse.queryOne<{ compared: string; differing: string }>(
    `SELECT count() AS compared, countIf(differs) AS differing FROM (${grouped}) ${SPILLING}`,
    params,
  );
  return { compared: Number(compared), differing: Number(differing) };
}
