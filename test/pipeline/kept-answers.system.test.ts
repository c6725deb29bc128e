import { setTimeout as sleep } from 'node:timers/promises';
import { KeptAnswers } from '@tally/api';
import { monthlyInteractions } from '@tally/figures';
import { always, dayOf, monthOf } from '@tally/metering';
import { TableVersions, TrackedClickHouse } from '@tally/platform/clickhouse';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { interaction } from '../support/interaction.ts';
import { freshTenant, TestSystem } from '../support/system.ts';

const LIMITS = { atOnceMax: 2, waitingMax: 3, bytesMax: 10_000 };
const month = monthOf(dayOf(Date.now()));

describe('answers that are kept', () => {
  let system: TestSystem;
  let clickhouse: TrackedClickHouse;

  beforeAll(async () => {
    system = await TestSystem.create('kept');
    clickhouse = new TrackedClickHouse({
      url: system.env['TALLY_CLICKHOUSE_URL'] ?? '',
      database: system.clickhouse.database,
    });
  });

  afterAll(async () => {
    await clickhouse?.close();
    await system?.close();
  });

  const keeper = (limits = LIMITS) =>
    new KeptAnswers({
      versions: new TableVersions(system.clickhouse),
      logVersions: { of: async () => undefined },
      clock: Date.now,
      ...limits,
    });

  it('are given again until something is written to a table they were made from', async () => {
    const kept = keeper();
    let times = 0;
    const ask = () =>
      kept.of({ question: 'runs' }, async () => {
        times += 1;
        const { runs } = await clickhouse.queryOne<{ runs: string }>('SELECT count() AS runs FROM aggregator_runs');
        return { answer: { runs } };
      });
    expect([await ask(), await ask(), times]).toEqual([{ runs: '0' }, { runs: '0' }, 1]);
    await system.clickhouse.insert('counting_policies', []);
    await system.clickhouse.command(
      `INSERT INTO unification_rules (tenant_id) VALUES ('another table than the one that was read')`,
    );
    expect([await ask(), times]).toEqual([{ runs: '0' }, 1]);
    await system.clickhouse.command('INSERT INTO aggregator_runs (run_id) VALUES (generateUUIDv4())');
    expect([await ask(), times]).toEqual([{ runs: '1' }, 2]);
    await system.clickhouse.command('OPTIMIZE TABLE aggregator_runs FINAL');
    expect([await ask(), times]).toEqual([{ runs: '1' }, 2]);
    await system.clickhouse.command('TRUNCATE TABLE aggregator_runs SYNC');
    expect([await ask(), times]).toEqual([{ runs: '0' }, 3]);
  });

  it('show a change that a mutation made', async () => {
    const kept = keeper();
    const tenant = freshTenant('mutated');
    const shard = system.clickhouse.shardOf(0);
    await shard.command('INSERT INTO activity (tenant_id) VALUES ({tenant:String})', { tenant });
    const ask = () =>
      kept.of({ question: 'mutated' }, async () => {
        const sql = 'SELECT count() AS rows FROM activity WHERE tenant_id = {tenant:String}';
        return { answer: await clickhouse.queryOne<{ rows: string }>(sql, { tenant }) };
      });
    expect(await ask()).toEqual({ rows: '1' });
    await shard.command('ALTER TABLE activity DELETE WHERE tenant_id = {tenant:String} SETTINGS mutations_sync = 1', {
      tenant,
    });
    expect(await ask()).toEqual({ rows: '0' });
  });

  it('are never older than what was counted before they were asked for', async () => {
    await system.consumer();
    const producer = system.producer();
    const kept = keeper();
    const tenantId = freshTenant('busy');
    const ask = async (): Promise<number> => {
      const answer = await kept.of({ question: tenantId }, async () => {
        const months = await monthlyInteractions(clickhouse, { tenantId, from: month, to: month, policies: always() });
        return { answer: { total: months[0]?.total ?? 0 } };
      });
      return (answer as { total: number }).total;
    };
    let over = false;
    const readers = Array.from({ length: 3 }, async () => {
      while (!over) {
        await ask();
        await sleep(5);
      }
    });
    for (let sent = 1; sent <= 20; sent++) {
      const value = interaction({ tenantId, eventId: `e-${sent}`, occurredAt: Date.now() - 1_000 });
      await producer.send({ schema: 'Interaction', value });
      await system.caughtUp();
      expect(await ask()).toBe(sent);
    }
    over = true;
    await Promise.all(readers);
  });

  it('are worked out once for all who ask at the same time, and not for those who find too many waiting', async () => {
    const kept = keeper();
    let times = 0;
    const slow = (question: string) =>
      kept.of({ question }, async () => {
        times += 1;
        await sleep(100);
        return { answer: { question } };
      });
    const same = await Promise.all(Array.from({ length: 50 }, () => slow('same')));
    expect([same.length, times]).toEqual([50, 1]);
    const settled = await Promise.allSettled(Array.from({ length: 8 }, (_, nth) => slow(`question ${nth}`)));
    const refused = settled.filter(({ status }) => status === 'rejected');
    expect(refused.length).toBe(8 - LIMITS.atOnceMax - LIMITS.waitingMax);
    expect(refused).toContainEqual(expect.objectContaining({ reason: expect.objectContaining({ code: 'busy' }) }));
  });

  it('are kept neither past their time nor beyond the limit, and a failure is not kept at all', async () => {
    const kept = keeper();
    let times = 0;
    const ask = (question: string, until?: number, size = 10) =>
      kept.of({ question }, async () => {
        times += 1;
        if (times === 1) throw new Error('the first time');
        return { answer: { text: 'x'.repeat(size) }, until };
      });
    await expect(ask('a')).rejects.toThrow('the first time');
    await ask('a');
    await ask('a');
    expect(times).toBe(2);
    await ask('over', Date.now() - 1);
    await ask('over', Date.now() - 1);
    expect(times).toBe(4);
    await ask('large', undefined, LIMITS.bytesMax - 30);
    await ask('a');
    expect(times).toBe(6);
  });

  it('are not kept when they hang on the time', async () => {
    const kept = keeper();
    let times = 0;
    const ask = () =>
      kept.of({ question: 'time' }, async () => {
        times += 1;
        return { answer: await clickhouse.queryOne('SELECT now64(9) AS now') };
      });
    await ask();
    await ask();
    expect(times).toBe(2);
  });
});
