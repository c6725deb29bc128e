/**
 * The mark of a database that is being restored: until it is taken away, what is in there is not whole. It is a table, so
 * that it is there before anything else is and goes with the database.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';

export const RESTORING_TABLE = 'restore_under_way';

/** Whether a restore of the database was begun and has not ended. */
export async function isRestoring(clickhouse: ClickHouse, database = clickhouse.database): Promise<boolean> {
  const rows = await clickhouse.query(
    'SELECT name FROM system.tables WHERE database = {database:String} AND name = {name:String}',
    { database, name: RESTORING_TABLE },
  );
  return rows.length > 0;
}

/** Throws `RESTORE_UNFINISHED` for a database that holds only some of what was backed up. */
export async function checkRestored(clickhouse: ClickHouse): Promise<void> {
  if (!(await isRestoring(clickhouse))) return;
  throw new TallyError(
    `a restore of database ${clickhouse.database} was begun and has not ended: run the same \`tally restore\` again`,
    { code: 'RESTORE_UNFINISHED', retriable: false },
  );
}
