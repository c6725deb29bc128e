/**
 * The mark of a database that is being restored: until it is taken away, what is in there is not whole. It is a table, so
 * that it is there before anything else is and goes with the database.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';

export const RESTORING_TABLE = 'restore_under_way';

/** Whether a restore of the database was begun and has not ended. */
export async function isRestoring(clickhouse: ClickHouse): Promise<boolean> {
  const rows = await clickhouse.query(
    'SELECT name FROM system.tables WHERE database = currentDatabase() AND name = {name:String}',
    { name: RESTORING_TABLE },
  );
  return rows.length > 0;
}
