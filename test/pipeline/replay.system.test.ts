/**
 * The log is enough: written once more onto live tables it moves no figure; into an empty database it gives the same.
 * And an erased id does not come back with it.
 */

import { migrateClickHouse } from '@tally/clickhouse-schema';
import { eraseEntity, IdentifierHasher, replay } from '@tally/consumer';
import { allFigures, differences } from '@tally/figures';
import { ClickHouse } from '@tally/platform/clickhouse';
import { createLog } from '@tally/platform/log';
import type { EntityIdentity } from '@tally/schemas';
import { generateSends } from '@tally/simulator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseOptions, dropDatabase, TestSystem } from '../support/system.ts';

const NOW = Date.UTC(2026, 5, 30);
const log = createLog('test', 'silent');

describe('a replay of the whole log', () => {
  let system: TestSystem;

  beforeAll(async () => {
    system = await TestSystem.create('replay');
    const producer = system.producer();
    const sent: Promise<unknown>[] = [];
    for (const send of generateSends({ seed: 5, events: 2_500, tenants: 2, until: new Date(NOW) })) {
      if (send.kind === 'record') sent.push(producer.send(send.record));
      if (send.kind === 'raw') {
        sent.push(system.sender.send([{ ...send.raw, topic: system.topics[send.raw.topic] }]));
      }
    }
    await Promise.all(sent);
    const consumer = await system.consumer();
    await system.caughtUp();
    await consumer.stop();
  });

  afterAll(() => system.close());

  const options = (target: ClickHouse) => ({
    ...system,
    source: system.clickhouse,
    target,
    hasher: new IdentifierHasher(system.env['TALLY_IDENTIFIER_SECRET'] ?? ''),
    log,
  });

  it('onto the live tables moves no figure and no outcome', async () => {
    const before = await allFigures(system.clickhouse, NOW);
    const outcomes = await system.outcomes();
    const letters = (await system.deadLetters()).length;
    const { records, expired } = await replay(options(system.clickhouse), { complete: true });
    expect(records).toBeGreaterThan(2_500);
    expect(expired).toBe(0);
    expect(before.size).toBeGreaterThan(50);
    expect(differences(before, await allFigures(system.clickhouse, NOW))).toEqual([]);
    expect(await system.outcomes()).toEqual(outcomes);
    expect(await system.deadLetters()).toHaveLength(letters);
  });

  it('brings back the changes of the records, which the newest states alone do not give', async () => {
    const before = await changesOf(system.clickhouse);
    for (const shard of system.clickhouse.shards) await shard.command('TRUNCATE TABLE profile_changes SYNC');
    await replay(options(system.clickhouse), { complete: true });
    expect(before.changes).toBeGreaterThan(before.records);
    expect(await changesOf(system.clickhouse)).toEqual(before);
  });

  it('into an empty database gives the same figures and outcomes, and brings no erased id back', async () => {
    const entity = await someEntity();
    const before = await allFigures(system.clickhouse, NOW);
    const { rows } = await eraseEntity(system.clickhouse, { entity, by: 'test', because: 'asked for' });
    expect(rows['interactions']).toBeGreaterThan(0);
    expect(await idsOf(system.clickhouse, entity)).toBe(0);
    expect(differences(before, await allFigures(system.clickhouse, NOW))).toEqual([]);

    const database = `${system.clickhouse.database}_rebuilt`;
    await migrateClickHouse(databaseOptions(database));
    const rebuilt = new ClickHouse(databaseOptions(database));
    for (const table of ['logs', 'erasures']) {
      await rebuilt.command(`INSERT INTO ${table} SELECT * FROM ${system.clickhouse.database}.${table}`);
    }
    for (const shard of rebuilt.isCluster ? rebuilt.shards : []) {
      await shard.insert('erasures', await rebuilt.query('SELECT * FROM erasures'));
    }
    await replay(options(rebuilt), { complete: true });
    expect(differences(before, await allFigures(rebuilt, NOW))).toEqual([]);
    expect(await idsOf(rebuilt, entity)).toBe(0);
    expect(await changesOf(rebuilt)).toEqual(await changesOf(system.clickhouse));

    await replay(options(system.clickhouse), { complete: true });
    expect(await idsOf(system.clickhouse, entity)).toBe(0);
    await dropDatabase(rebuilt);
    await rebuilt.close();
  });

  it('is refused when counted records are not in the log any more, unless that is known', async () => {
    const { topics, admin, clickhouse } = system;
    const extents = await admin.extents(topics.interactions);
    await admin.deleteRecordsBefore(topics.interactions, 1, (extents[1]?.end ?? 0n) - 10n);
    await expect(replay(options(clickhouse), { complete: true })).rejects.toMatchObject({ code: 'REPLAY_INCOMPLETE' });
    const before = await allFigures(clickhouse, NOW);
    const { expired } = await replay(options(clickhouse), { complete: false });
    expect(expired).toBe(Number(extents[1]?.end) - 10);
    expect(differences(before, await allFigures(clickhouse, NOW))).toEqual([]);
  });

  async function someEntity() {
    return system.clickhouse.queryOne<{
      tenantId: string;
      environmentId: string;
      entityType: 'contact';
      entityId: string;
    }>(
      `SELECT tenant_id AS tenantId, environment_id AS environmentId, entity_type AS entityType, entity_id AS entityId
       FROM interactions WHERE entity_type = 'contact' GROUP BY ALL ORDER BY count() DESC LIMIT 1`,
    );
  }
});

/** All that is known of the records' past; a row that was written twice is one. */
async function changesOf(clickhouse: ClickHouse): Promise<{ changes: number; records: number; content: string }> {
  const { changes, records, content } = await clickhouse.queryOne<Record<string, string>>(
    `SELECT
       count() AS changes, uniqExact(tenant_id, environment_id, source, record_id) AS records,
       toString(groupBitXor(cityHash64(*))) AS content
     FROM profile_changes FINAL`,
  );
  return { changes: Number(changes), records: Number(records), content: content ?? '' };
}

async function idsOf(clickhouse: ClickHouse, { tenantId, environmentId, entityId }: EntityIdentity): Promise<number> {
  let rows = 0;
  for (const table of ['interactions', 'conflicting_interactions']) {
    const { found } = await clickhouse.queryOne<{ found: string }>(
      `SELECT count() AS found
       FROM ${table}
       WHERE tenant_id = {tenantId:String} AND environment_id = {environmentId:String} AND entity_id = {entityId:String}`,
      { tenantId, environmentId, entityId },
    );
    rows += Number(found);
  }
  return rows;
}
