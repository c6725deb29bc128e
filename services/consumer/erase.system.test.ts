import { dateTime64 } from '@tally/platform/clickhouse';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
});
