/**
 * Counts that several shards have of the same: one row each, in the order in which one server would give them.
 */
import type { ClickHouse, Params } from '@tally/platform/clickhouse';

/** A row that is known by what it has beside its count. */
export interface CountRow {
  /** A whole number in decimal digits. */
  count: string;
}

/**
 * The rows of a query of tables that the log fills, worked out by each shard; those that differ by nothing but `count` are
 * added up. Every position and every entity lies on one shard, so counts of them add up.
 * @param order the columns that the query orders by, and all that its rows have beside `count`; a list of names orders a
 *   column by the names' places in it
 */
export async function countsOfShards<Row extends CountRow>(
  clickhouse: ClickHouse,
  { sql, params }: { sql: string; params: Params },
  order: Readonly<Partial<Record<Exclude<keyof Row & string, 'count'>, readonly string[] | 'ascending'>>>,
): Promise<Row[]> {
  const rows = await clickhouse.queryShards<Row>(sql, params);
  if (!clickhouse.isCluster) return rows;
  const columns = Object.entries(order) as [keyof Row & string, readonly string[] | 'ascending'][];
  const byKey = new Map<string, Row>();
  for (const row of rows) {
    const key = JSON.stringify(columns.map(([column]) => row[column]));
    const same = byKey.get(key);
    if (same) same.count = String(BigInt(same.count) + BigInt(row.count));
    else byKey.set(key, { ...row });
  }
  return [...byKey.values()].sort((a, b) => {
    for (const [column, names] of columns) {
      const [of, other] = [a[column], b[column]].map((value) => placeOf(String(value), names));
      if (of !== undefined && other !== undefined && of !== other) return of < other ? -1 : 1;
    }
    return 0;
  });
}

function placeOf(value: string, names: readonly string[] | 'ascending'): string | number {
  return names === 'ascending' ? value : names.indexOf(value);
}
