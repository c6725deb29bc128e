/**
 * ClickHouse's own backup of a database, and its way back. Each table is copied as it is at one moment, one after another.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';

/** Where ClickHouse writes it: a directory that its configuration allows, or a disk that it knows by name. */
export type CopyPlace = { path: string } | { disk: string; name: string };

const POLL_MS = 200;

/** Resolves with the bytes that were written. Throws `BACKUP_FAILED` with ClickHouse's own words. */
export function copyDatabase(clickhouse: ClickHouse, place: CopyPlace): Promise<number> {
  return untilDone(clickhouse, `BACKUP DATABASE ${clickhouse.database} TO ${sqlOf(place)}`);
}

/** Into a database that is there and has none of the tables. Throws `BACKUP_FAILED`. */
export function copyBack(
  clickhouse: ClickHouse,
  { place, database }: { place: CopyPlace; database: string },
): Promise<number> {
  return untilDone(clickhouse, `RESTORE DATABASE ${database} AS ${clickhouse.database} FROM ${sqlOf(place)}`);
}

/** It may take longer than any request should. */
async function untilDone(clickhouse: ClickHouse, statement: string): Promise<number> {
  const id = randomUUID();
  await clickhouse.command(`${statement} SETTINGS id = '${id}' ASYNC`);
  for (;;) {
    const { status, error, bytes } = await clickhouse.queryOne<{ status: string; error: string; bytes: string }>(
      'SELECT status, error, total_size AS bytes FROM system.backups WHERE id = {id:String}',
      { id },
    );
    if (['BACKUP_CREATED', 'RESTORED'].includes(status)) return Number(bytes);
    if (!['CREATING_BACKUP', 'RESTORING'].includes(status)) {
      throw new TallyError(`ClickHouse: ${status}: ${error}`, { code: 'BACKUP_FAILED', retriable: false });
    }
    await sleep(POLL_MS);
  }
}

function sqlOf(place: CopyPlace): string {
  return 'path' in place ? `File(${quoted(place.path)})` : `Disk(${quoted(place.disk)}, ${quoted(place.name)})`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
