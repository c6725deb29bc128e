import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { TestSystem } from '../../test/support/system.ts';
import { refuseMissingDatabase } from './database.ts';

let system: TestSystem;

beforeAll(async () => {
  system = await TestSystem.create('database');
});

afterAll(() => system.close());

it('a database that is not there is refused where others are: its figures would all be zero', async () => {
  const url = inject('clickhouseUrl');
  await expect(refuseMissingDatabase(url, system.clickhouse.database)).resolves.toBeUndefined();
  await expect(refuseMissingDatabase(url, `${system.clickhouse.database}_`)).rejects.toMatchObject({
    code: 'DATABASE_MISSING',
    retriable: false,
  });
});
