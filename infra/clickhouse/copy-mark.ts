/**
 * The mark of a database that is being filled from another one: until it is taken away, what is in there is not whole. It
 * is a table, so that it is there before any row and goes with the database.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';

const MARK = 'copy_under_way';

export async function markCopy(clickhouse: ClickHouse): Promise<void> {
  await clickhouse.command(
    `CREATE TABLE IF NOT EXISTS ${MARK} (at DateTime) ENGINE = MergeTree ORDER BY at
     SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`,
  );
}

/** To be called when the copy is whole, before services may take the database. */
export async function unmarkCopy(clickhouse: ClickHouse): Promise<void> {
  await clickhouse.command(`DROP TABLE IF EXISTS ${MARK} SYNC`);
}

/** Throws `COPY_UNFINISHED` for a database that holds only some of what is to be copied. */
export async function checkCopied(clickhouse: ClickHouse, database = clickhouse.database): Promise<void> {
  const rows = await clickhouse.query(
    'SELECT 1 FROM system.tables WHERE database = {database:String} AND name = {name:String}',
    { database, name: MARK },
  );
  if (rows.length === 0) return;
  throw new TallyError(
    `a copy into database ${database} was begun and has not ended: run the same \`tally reshard\` again`,
    { code: 'COPY_UNFINISHED', retriable: false },
  );
}
