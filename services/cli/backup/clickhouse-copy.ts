/**
 * ClickHouse's own backup of a database, on every server that has a part of it, and its way back. Each table is copied as it is at one moment, one after another.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ClickHouse, shardDatabase } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';

/** Where ClickHouse writes it: a directory that its configuration allows, or a disk that it knows by name. */
export type CopyPlace = { path: string } | { disk: string; name: string };

/** What a server is asked to copy, or to copy back, by itself. */
interface CopiedPart {
  server: ClickHouse;
  /** As the database was called when it was backed up. */
  database: string;
  place: CopyPlace;
}

const POLL_MS = 200;

/** One server's database; or, of a cluster, that of the home and that of each shard, each on its own server. */
function copiedParts(clickhouse: ClickHouse, database: string, place: CopyPlace): CopiedPart[] {
  if (!clickhouse.isCluster) return [{ server: clickhouse, database, place }];
  const shards = clickhouse.shards.map((server, number) => ({
    server,
    database: shardDatabase(database),
    place: within(place, `shard-${number}`),
  }));
  return [{ server: clickhouse, database, place: within(place, 'home') }, ...shards];
}

function within(place: CopyPlace, part: string): CopyPlace {
  if ('path' in place) return { path: join(place.path, part) };
  return { disk: place.disk, name: `${place.name}-${part}` };
}

/** Resolves with the bytes that were written. Throws `BACKUP_FAILED` with ClickHouse's own words. */
export async function copyDatabase(clickhouse: ClickHouse, to: CopyPlace): Promise<number> {
  let bytes = 0;
  for (const { server, database, place } of copiedParts(clickhouse, clickhouse.database, to)) {
    bytes += await untilDone(server, `BACKUP DATABASE ${database} TO ${sqlOf(place)}`);
  }
  return bytes;
}

/** Into databases that are there and have none of the tables. Throws `BACKUP_FAILED`. */
export async function copyBack(
  clickhouse: ClickHouse,
  { place: from, database: copied }: { place: CopyPlace; database: string },
): Promise<void> {
  for (const { server, database, place } of copiedParts(clickhouse, copied, from)) {
    await untilDone(server, `RESTORE DATABASE ${database} AS ${server.database} FROM ${sqlOf(place)}`);
  }
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
