import { randomBytes } from 'node:crypto';
import { ClickHouse } from '@tally/platform/clickhouse';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { finishCopy, migrateClickHouse } from './index.ts';

// Two names of one server, which stand for a list of two; on two servers `npm run cluster` tries the same.
describe('a database on one server', () => {
  const url = inject('clickhouseUrl');
  const database = `shards_${randomBytes(4).toString('hex')}`;
  const listed = { url, database, shards: [url, url.replace('127.0.0.1', 'localhost')], cluster: 'tally_2' };
  const clients: ClickHouse[] = [];
  const client = (options: ConstructorParameters<typeof ClickHouse>[0]): ClickHouse => {
    const clickhouse = new ClickHouse(options);
    clients.push(clickhouse);
    return clickhouse;
  };
  const differs = { code: 'SHARDS_DIFFER', retriable: false };

  beforeAll(async () => {
    await migrateClickHouse({ url, database }, { unfinished: true });
  });

  afterAll(async () => {
    await client({ url, database: 'default' }).command(`DROP DATABASE ${database} SYNC`);
    for (const clickhouse of clients) await clickhouse.close();
  });

  it('is refused until it is filled, also by a migration, and taken from then on', async () => {
    await expect(migrateClickHouse({ url, database })).rejects.toMatchObject({ code: 'COPY_UNFINISHED' });
    await expect(client({ url, database }).checkedShards()).rejects.toMatchObject(differs);
    await finishCopy(client({ url, database }));
    await expect(client({ url, database }).checkedShards()).resolves.toBeUndefined();
    await expect(migrateClickHouse({ url, database })).resolves.toEqual([]);
  });

  it('is no part of a sum of two shards', async () => {
    const answer = client(listed).queryShards('SELECT count() FROM interactions');
    await expect(answer).rejects.toMatchObject(differs);
  });

  it('is not migrated to two, and left as it was', async () => {
    await expect(migrateClickHouse(listed)).rejects.toMatchObject(differs);
    const root = client({ url, database: 'default' });
    const made = await root.query('SELECT 1 FROM system.databases WHERE name = {name:String}', {
      name: `${database}_shard`,
    });
    expect(made).toEqual([]);
  });
});
