import { ClickHouse, dateTime64, type Params } from '@tally/platform/clickhouse';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { keyOf } from '../../test/support/keys.ts';
import { TestSystem } from '../../test/support/system.ts';
import { WrittenLog } from '../../test/support/written-log.ts';
import { eraseAgain } from './index.ts';

const TENANT = 'erasing';
const ENTITIES = 12;
const ERASED = [3, 4, 11];

describe('erasures that were noted elsewhere', () => {
  let system: TestSystem;

  beforeAll(async () => {
    system = await TestSystem.create('erase');
    const written = await WrittenLog.open(system, 4);
    const entities = Array.from({ length: ENTITIES }, (_, entity) => entity);
    await written.write(...entities.map((entity) => ({ tenantId: TENANT, entity, day: '2026-03-01' as const })));
  });

  afterAll(() => system.close());

  it('are made again in every table: those ids are gone, the others stay', async () => {
    const readable = () =>
      system.clickhouse.query<{ entity_id: string }>(
        "SELECT DISTINCT entity_id FROM interactions WHERE entity_id != '' ORDER BY entity_id",
      );
    expect(await readable()).toHaveLength(ENTITIES);
    const notes = ERASED.map((entity) => ({
      entity_key: String(keyOf(TENANT, entity)),
      tenant_id: TENANT,
      erased_at: dateTime64(Date.now()),
      by: 'test',
      because: 'asked for',
    }));
    await eraseAgain(system.clickhouse, notes);
    const left = (await readable()).map(({ entity_id }) => entity_id);
    expect(left).toHaveLength(ENTITIES - ERASED.length);
    for (const entity of ERASED) expect(left).not.toContain(`e${entity}`);
    // Nothing is left to do.
    await eraseAgain(system.clickhouse);
    expect(await readable()).toHaveLength(ENTITIES - ERASED.length);
  });

  // Each shard is asked as one server is.
  it.skipIf(inject('clickhouseShards').length > 1)(
    'are given up where rows of an entity keep coming, and made as soon as they do not',
    async () => {
      const { database } = system.clickhouse;
      const late = `INSERT INTO interactions SELECT * REPLACE('late' AS entity_id) FROM interactions
      WHERE entity_key = {key:UInt128} LIMIT 1`;
      const key = keyOf(TENANT, ERASED[0] ?? 0);
      class Late extends ClickHouse {
        override async command(sql: string, params: Params = {}): Promise<void> {
          await super.command(sql, params);
          await super.command(late, { key });
        }
      }
      const url = system.env['TALLY_CLICKHOUSE_URL'] ?? '';
      const busy = new Late({ url, database });
      await system.clickhouse.command(late, { key });
      await expect(eraseAgain(busy)).rejects.toMatchObject({ code: 'ERASE_INCOMPLETE', retriable: true });
      await busy.close();
      await eraseAgain(system.clickhouse);
      const { left } = await system.clickhouse.queryOne<{ left: string }>(
        "SELECT count() AS left FROM interactions WHERE entity_id = 'late'",
      );
      expect(left).toBe('0');
    },
  );
});
