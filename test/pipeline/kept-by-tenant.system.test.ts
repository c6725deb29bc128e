/**
 * Kept answers of a tenant while others are busy: given again as long as the log says nothing new of the tenant, and never
 * once it does. Rows are written into `ingest`, as the consumer writes them; what is committed is the test's.
 */

import { loggedRun } from '@tally/aggregator';
import { type CommittedLog, KeptAnswers, LogVersions } from '@tally/api';
import { logState, monthlyInteractions, REPLAY_JOB } from '@tally/figures';
import { always, dayOf, monthOf } from '@tally/metering';
import { TableVersions, TrackedClickHouse } from '@tally/platform/clickhouse';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freshTenant, TestSystem } from '../support/system.ts';
import { WrittenLog } from '../support/written-log.ts';

const PARTITIONS = 4;
const today = dayOf(Date.now());

describe('answers that are kept of a tenant', () => {
  let system: TestSystem;
  let log: WrittenLog;
  let clickhouse: TrackedClickHouse;
  let committed: CommittedLog;
  let kept: KeptAnswers;
  let tenantId: string;
  let times: number;

  beforeAll(async () => {
    system = await TestSystem.create('kept_tenant', { partitions: PARTITIONS });
    log = await WrittenLog.open(system, PARTITIONS);
    const url = system.env['TALLY_CLICKHOUSE_URL'] ?? '';
    clickhouse = new TrackedClickHouse({ url, database: system.clickhouse.database });
    kept = new KeptAnswers({
      versions: new TableVersions(system.clickhouse),
      logVersions: new LogVersions(system.clickhouse, () => committed),
      clock: Date.now,
      atOnceMax: 2,
      waitingMax: 100,
      bytesMax: 100_000,
    });
  });

  afterAll(async () => {
    await clickhouse?.close();
    await system?.close();
  });

  beforeEach(async () => {
    tenantId = freshTenant('kept');
    times = 0;
    await commit();
  });

  /** Everything that is written is committed, and the api knows. */
  async function commit(): Promise<void> {
    const { epochs, closed, replays } = await logState(system.clickhouse);
    const epoch = epochs[system.topics.interactions] ?? 0;
    const places = Object.entries(log.positions()).map(([place, end]) => ({
      epoch,
      partition: Number(place.slice(place.lastIndexOf('/') + 1)),
      end,
    }));
    committed = { closed, places, replays };
  }

  /** Interactions of the month, and how often they were worked out. */
  async function ask(): Promise<[total: number, times: number]> {
    const answer = await kept.of({ question: tenantId, tenantId }, async () => {
      times += 1;
      const month = monthOf(today);
      const asked = { tenantId, from: month, to: month, policies: always() };
      const [figure] = await monthlyInteractions(clickhouse, asked);
      return { answer: { total: figure?.total ?? 0 } };
    });
    return [(answer as { total: number }).total, times];
  }

  it('are given again while others’ events come in, and anew once one of its own is written', async () => {
    await log.write({ tenantId, entity: 1, day: today });
    await commit();
    expect(await ask()).toEqual([1, 1]);
    for (let round = 0; round < 3; round++) {
      await log.write({ tenantId: freshTenant('other'), entity: round, day: today });
      if (round > 0) await commit();
      expect(await ask()).toEqual([1, 1]);
    }
    const second = await log.write({ tenantId, entity: 2, day: today });
    expect((await ask())[0]).toBe(2);
    await commit();
    await log.write({ tenantId, entity: 2, day: today, voids: second });
    await commit();
    expect((await ask())[0]).toBe(1);
  });

  it('are kept of a tenant of which there is nothing until there is', async () => {
    expect(await ask()).toEqual([0, 1]);
    await log.write({ tenantId: freshTenant('other'), entity: 1, day: today });
    expect(await ask()).toEqual([0, 1]);
    await log.write({ tenantId, entity: 1, day: today });
    expect((await ask())[0]).toBe(1);
  });

  it('are not kept on an insert of which only a part is written', async () => {
    // The first of its views is written when ClickHouse dies; the same rows come again and are committed.
    const [{ partition, epoch, end } = { partition: 0, epoch: 0, end: 0 }] = committed.places;
    const position = (BigInt(epoch) << 56n) | (BigInt(partition) << 40n) | BigInt(end);
    const place = { epoch, partition, last: String(position) };
    const shard = system.clickhouse.shardOf(partition);
    await shard.insert('activity', [{ tenant_id: tenantId, environment_id: 'prod', ...place }]);
    expect((await ask())[0]).toBe(0);
    await shard.insert('ingest', [
      {
        position: String(position),
        outcome: 'counted',
        tenant_id: tenantId,
        environment_id: 'prod',
        entity_id: 'e',
        entity_key: '7',
        event_id: 'e',
        event_key: '7',
        occurred_at: `${today} 00:00:00.000`,
      },
    ]);
    committed.places = committed.places.map((one) => (one.partition === partition ? { ...one, end: end + 1 } : one));
    expect((await ask())[0]).toBe(1);
    // The written log does not know of it; it goes on behind it.
    await log.write({ tenantId: freshTenant('other'), entity: 1, day: today });
  });

  it('are not kept over a replay, which brings back rows that were lost', async () => {
    await log.write({ tenantId, entity: 1, day: today });
    await commit();
    const whole = 'SELECT * FROM daily_interactions WHERE tenant_id = {tenantId:String}';
    const deletion =
      'ALTER TABLE daily_interactions DELETE WHERE tenant_id = {tenantId:String} SETTINGS mutations_sync = 1';
    for (const shard of system.clickhouse.shards) {
      await shard.command('CREATE TABLE lost AS daily_interactions ENGINE = Memory');
      await shard.command(`INSERT INTO lost ${whole}`, { tenantId });
      await shard.command(deletion, { tenantId });
    }
    expect((await ask())[0]).toBe(0);
    for (const shard of system.clickhouse.shards) {
      await shard.command('INSERT INTO daily_interactions SELECT * FROM lost');
    }
    await loggedRun({ clickhouse: system.clickhouse, job: REPLAY_JOB, clock: Date.now }, async () => ({
      scope: 'all',
    }));
    await commit();
    await log.write({ tenantId: freshTenant('other'), entity: 1, day: today });
    expect((await ask())[0]).toBe(1);
  });
});
