/**
 * The aggregator on the real tables: what it re-opens, what it publishes and what it leaves alone. Rows are written into
 * `ingest`, as the consumer writes them; the offsets it would have committed are the test's.
 */
import { migrateClickHouse } from '@tally/clickhouse-schema';
import { decidePolicies, newestRuns, publishedHistory } from '@tally/figures';
import { addDays, type Day, dayOf, policyNamed } from '@tally/metering';
import { dateTime64 } from '@tally/platform/clickhouse';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { comparable, newestSnapshots, workedOutSnapshots } from '../support/newest-snapshots.ts';
import { runsOf } from '../support/some-of.ts';
import { databaseOptions, eventually, freshTenant, TestSystem } from '../support/system.ts';
import { WrittenLog } from '../support/written-log.ts';

const SEED = 20_261_122;
const MS_PER_DAY = 86_400_000;
const PARTITIONS = 4;
const NOON = MS_PER_DAY / 2;

/** Between two runs; longer than a decision may become visible late, so that none is taken twice. */
const RUN_EVERY_MS = 400_000;
const RANDOM_TIMEOUT_MS = 300_000;

describe('the aggregator', () => {
  let system: TestSystem;
  let log: WrittenLog;
  const today = '2026-03-15';
  const noonOf = (day: Day): number => Date.parse(`${day}T00:00:00Z`) + NOON;

  beforeAll(async () => {
    system = await TestSystem.create('aggregator', { partitions: PARTITIONS });
    log = await WrittenLog.open(system, PARTITIONS);
  });

  afterAll(() => system.close());

  let runs = 0;
  type Change = Parameters<TestSystem['aggregate']>[1];

  /** A run after noon of a day, later than the one before. */
  function run(day: Day = today, change: Change = {}): ReturnType<TestSystem['aggregate']> {
    const now = noonOf(day) + RUN_EVERY_MS * ++runs;
    return system.aggregate(() => now, { positions: async () => log.positions(), ...change });
  }

  async function published(tenantId: string, meter: 'interactions' | 'engaged', period: Day): Promise<number[]> {
    const all = await publishedHistory(system.clickhouse, { tenantId, meter, period, limit: 100 });
    return all.map(({ total }) => total);
  }

  it('publishes every month and every day from the first interaction on, and nothing again', async () => {
    const tenantId = freshTenant('every-day');
    const days = ['2025-02-10', '2025-02-11', '2026-01-05'];
    await log.write(...days.map((day, entity) => ({ tenantId, entity, day })));
    await run();
    expect(comparable(await newestSnapshots(system.clickhouse, tenantId))).toEqual(
      await workedOutSnapshots(system.clickhouse, { tenantId, days, last: today }),
    );
    expect(await published(tenantId, 'engaged', '2026-02-10')).toEqual([2]);
    expect(await published(tenantId, 'engaged', '2026-02-11')).toEqual([1]);
    const again = await run();
    expect(again).toMatchObject({ outcome: 'succeeded', tenants: 0, published: 0, waiting: 0 });
  });

  it('re-opens the month and the days of a late event, and keeps what was published before', async () => {
    const tenantId = freshTenant('late');
    await log.write({ tenantId, entity: 1, day: '2025-06-10' }, { tenantId, entity: 1, day: today });
    await run();
    await log.write({ tenantId, entity: 2, day: '2025-06-20' });
    const { published: snapshots } = await run();
    expect(await published(tenantId, 'interactions', '2025-06-01')).toEqual([1, 2]);
    expect(await published(tenantId, 'interactions', '2026-03-01')).toEqual([1]);
    expect(await published(tenantId, 'engaged', '2025-06-19')).toEqual([1]);
    expect(await published(tenantId, 'engaged', '2025-06-20')).toEqual([1, 2]);
    expect(await published(tenantId, 'engaged', today)).toEqual([1, 2]);
    // June, and the days from the 20th to today.
    expect(snapshots).toBe(1 + (noonOf(today) - noonOf('2025-06-20')) / MS_PER_DAY + 1);
  });

  it('re-opens the month and the days of what a void takes back', async () => {
    const tenantId = freshTenant('void');
    const first = await log.write(
      { tenantId, entity: 1, day: '2025-12-24' },
      { tenantId, entity: 2, day: '2026-02-01' },
    );
    await run();
    await log.write({ tenantId, entity: 1, day: today, voids: first });
    await run();
    expect(await published(tenantId, 'interactions', '2025-12-01')).toEqual([1, 0]);
    expect(await published(tenantId, 'engaged', '2025-12-24')).toEqual([1, 0]);
    expect(await published(tenantId, 'engaged', today)).toEqual([2, 1]);
  });

  it('works a tenant out again when its counting policy changes, and names the policy', async () => {
    const tenantId = freshTenant('policy');
    await log.write(
      { tenantId, entity: 1, day: '2026-01-10' },
      { tenantId, entity: 2, day: '2026-02-10', inbound: true },
    );
    await run();
    const outbound = policyNamed('outbound-only') ?? expect.fail('no such policy');
    await decidePolicies(system.clickhouse, {
      tenantId,
      changedAt: noonOf(today) + RUN_EVERY_MS * runs + 500,
      changedBy: 'test',
      because: 'test',
      starts: [{ from: '2026-02-01', policy: outbound }],
    });
    await run();
    expect(await published(tenantId, 'interactions', '2026-01-01')).toEqual([1]);
    expect(await published(tenantId, 'interactions', '2026-02-01')).toEqual([1, 0]);
    expect(await published(tenantId, 'engaged', today)).toEqual([2, 1]);
    const [, changed] = await publishedHistory(system.clickhouse, {
      tenantId,
      meter: 'interactions',
      period: '2026-02-01',
      limit: 9,
    });
    expect(changed?.policy).toBe('outbound-only');
  });

  it('notes a tenant that fails, serves the others and takes it again', async () => {
    const [broken, sound] = [freshTenant('broken'), freshTenant('sound')];
    await log.write({ tenantId: broken, entity: 1, day: today }, { tenantId: sound, entity: 1, day: today });
    await system.clickhouse.insert('counting_policies', [
      {
        tenant_id: broken,
        changed_at: dateTime64(noonOf('2020-01-01')),
        starts: ['2026-01-01'],
        policies: ['unheard-of'],
      },
    ]);
    const failing = await run();
    expect(failing).toMatchObject({ outcome: 'partly', failed: [broken] });
    expect(failing.error).toContain(broken);
    expect(failing.error).toContain('unheard-of');
    expect(await published(sound, 'engaged', today)).toEqual([1]);
    expect(await published(broken, 'engaged', today)).toEqual([]);
    expect(await run()).toMatchObject({ tenants: 1, failed: [broken] });
    await system.clickhouse.command(
      'ALTER TABLE counting_policies DELETE WHERE tenant_id = {broken:String} SETTINGS mutations_sync = 1',
      { broken },
    );
    expect(await run()).toMatchObject({ outcome: 'succeeded', tenants: 1, failed: [] });
    expect(await published(broken, 'engaged', today)).toEqual([1]);
    expect((await run()).tenants).toBe(0);
  });

  it('publishes equal figures when two run at once', async () => {
    const tenants = [freshTenant('two'), freshTenant('two'), freshTenant('two')];
    const days = ['2025-03-01', '2026-01-31', today];
    await log.write(...tenants.flatMap((tenantId) => days.map((day, entity) => ({ tenantId, entity, day }))));
    const both = await Promise.all([run(), run()]);
    expect(both.map(({ outcome }) => outcome)).toEqual(['succeeded', 'succeeded']);
    const once: Record<string, string>[] = [];
    for (const tenantId of tenants) {
      once.push(await newestSnapshots(system.clickhouse, tenantId));
      expect(comparable(once.at(-1) ?? {})).toEqual(
        await workedOutSnapshots(system.clickhouse, { tenantId, days, last: today }),
      );
    }
    expect((await run()).published).toBe(0);
    for (const [index, tenantId] of tenants.entries())
      expect(await newestSnapshots(system.clickhouse, tenantId)).toEqual(once[index]);
  });

  it('puts right what a run published that was overtaken by a newer one', async () => {
    const tenantId = freshTenant('slow');
    await log.write({ tenantId, entity: 1, day: today });
    const before = log.positions();
    const moments = [noonOf(today) + RUN_EVERY_MS * ++runs, noonOf(today) + RUN_EVERY_MS * (runs + 2)];
    // While the slow one asks for its offsets, an event comes and another run publishes it. Then the slow one writes what
    // it had read before.
    await run(today, {
      clock: () => moments.shift() ?? noonOf(today) + RUN_EVERY_MS * (runs + 2),
      positions: async () => {
        await log.write({ tenantId, entity: 2, day: today });
        await run();
        return before;
      },
    });
    await system.clickhouse.insert('snapshots', [
      {
        tenant_id: tenantId,
        meter: 'engaged',
        period: today,
        policy: 'all',
        computed_at: dateTime64(noonOf(today) + RUN_EVERY_MS * ++runs),
        run_id: '00000000-0000-0000-0000-000000000000',
        total: 1,
        breakdown: '{"byEnvironment":{"test":1},"byEntityType":{"contact":1}}',
      },
    ]);
    await run();
    expect((await published(tenantId, 'engaged', today)).at(-1)).toBe(2);
  });

  it('notes a run that failed with the reason, and the next one does its work', async () => {
    const tenantId = freshTenant('kafka-away');
    await log.write({ tenantId, entity: 1, day: today });
    const away = new Error('no broker answers');
    await expect(run(today, { positions: () => Promise.reject(away) })).rejects.toBe(away);
    const [failed] = await newestRuns(system.clickhouse, 1);
    expect(failed).toMatchObject({ job: 'aggregate', outcome: 'failed', error: 'no broker answers', published: 0 });
    expect(await run()).toMatchObject({ outcome: 'succeeded', tenants: 1 });
    expect(await published(tenantId, 'engaged', today)).toEqual([1]);
  });

  it('catches up the days on which nothing ran, and spreads a new day over its first hour', async () => {
    const tenants = Array.from({ length: 8 }, (_, index) => freshTenant(`spread-${index}`)).sort();
    await log.write(...tenants.map((tenantId) => ({ tenantId, entity: 1, day: '2025-03-17' })));
    await run();
    // Nothing ran on the 16th and the 17th; on that day all of them drop out.
    const day = '2026-03-18';
    const midnight = Date.parse(`${day}T00:00:00Z`);
    const spread = { positions: async () => log.positions(), daySpreadMs: 3_600_000 };
    const done = async (): Promise<number> => {
      const { tenants: count } = await system.clickhouse.queryOne<{ tenants: string }>(
        "SELECT uniqExact(tenant_id) AS tenants FROM snapshots WHERE meter = 'engaged' AND period = {day:Date}",
        { day },
      );
      return Number(count);
    };
    const { known } = await system.clickhouse.queryOne<{ known: string }>(
      'SELECT uniqExact(tenant_id) AS known FROM activity',
    );
    expect(await system.aggregate(() => midnight, spread)).toMatchObject({ tenants: 0, waiting: Number(known) });
    const changed = tenants[0] ?? '';
    await log.write({ tenantId: changed, entity: 2, day: '2026-03-17' });
    await system.aggregate(() => midnight + 60_000, spread);
    expect(await published(changed, 'engaged', day)).toEqual([1]);
    const half = await system.aggregate(() => midnight + 1_800_000, spread);
    expect(await done()).toBe(Math.ceil(Number(known) / 2));
    expect(half.waiting).toBe(Number(known) - (await done()));
    const rest = await system.aggregate(() => midnight + 3_600_000, spread);
    expect(rest.waiting).toBe(0);
    expect(await done()).toBe(Number(known));
    for (const tenantId of tenants.slice(1)) {
      const curve = ['2026-03-15', '2026-03-16', '2026-03-17', day].map((one) => published(tenantId, 'engaged', one));
      expect(await Promise.all(curve)).toEqual([[1], [1], [0], [0]]);
    }
    expect(await system.aggregate(() => midnight + 3_700_000, spread)).toMatchObject({ tenants: 0, published: 0 });
  });

  it(
    `has every month and day right after any changes and runs (seed ${SEED})`,
    async () => {
      const anyDay = fc.oneof(
        fc.constantFrom('2025-02-28', '2025-03-31', '2025-12-31', '2026-01-01', '2026-03-14'),
        fc.integer({ min: -700, max: 0 }).map((days) => addDays('2026-03-14', days)),
      );
      const step = fc.oneof(
        {
          weight: 4,
          arbitrary: fc.record({
            kind: fc.constant('event' as const),
            entity: fc.nat(5),
            day: anyDay,
            inbound: fc.boolean(),
          }),
        },
        { weight: 2, arbitrary: fc.record({ kind: fc.constant('void' as const), which: fc.nat(50) }) },
        { weight: 1, arbitrary: fc.record({ kind: fc.constant('policy' as const), from: anyDay }) },
        { weight: 3, arbitrary: fc.record({ kind: fc.constant('run' as const), days: fc.constantFrom(0, 0, 1, 3) }) },
      );
      const outbound = policyNamed('outbound-only') ?? expect.fail('no such policy');
      let now = noonOf('2026-04-01');
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 6, maxLength: 25 }), async (steps) => {
          const tenantId = freshTenant('random');
          const days: Day[] = [];
          const written: { offset: number; voided: boolean }[] = [];
          const aggregate = (): Promise<unknown> =>
            system.aggregate(() => ++now, { positions: async () => log.positions() });
          for (const one of steps) {
            if (one.kind === 'event') {
              const { entity, day, inbound } = one;
              written.push({ offset: await log.write({ tenantId, entity, day, inbound }), voided: false });
              days.push(day);
            } else if (one.kind === 'void') {
              const target = written[one.which % Math.max(1, written.length)];
              if (!target || target.voided) continue;
              target.voided = true;
              await log.write({ tenantId, entity: 0, day: today, voids: target.offset });
            } else if (one.kind === 'policy') {
              const decision = { tenantId, changedAt: ++now, changedBy: 'test', because: 'test' };
              await decidePolicies(system.clickhouse, { ...decision, starts: [{ from: one.from, policy: outbound }] });
            } else {
              now += one.days * MS_PER_DAY;
              await aggregate();
            }
          }
          await aggregate();
          if (days.length === 0) return;
          expect(comparable(await newestSnapshots(system.clickhouse, tenantId))).toEqual(
            await workedOutSnapshots(system.clickhouse, { tenantId, days, last: dayOf(now) }),
          );
        }),
        { seed: SEED, numRuns: runsOf(3, 8) },
      );
    },
    RANDOM_TIMEOUT_MS,
  );

  it('catches up a run that was missed while it was down, and says so', async () => {
    const schedule = { TALLY_AGGREGATE_CRON: '0 0 0 * * *', TALLY_DAY_SPREAD_MINUTES: '0' };
    const service = await system.service('aggregator/main.ts', schedule);
    const ask = await system.api();
    const [last, before] = await eventually(async () => {
      const { runs } = (await ask('/v1/runs?limit=20')).body as { runs: Record<string, string>[] };
      const all = runs.filter(({ job }) => job === 'aggregate');
      expect(all[0]).toMatchObject({ job: 'aggregate', cause: 'missed', outcome: 'succeeded', error: '' });
      return all;
    }, 60_000);
    const next = addDays(dayOf(Date.parse(before?.['startedAt'] ?? '')), 1);
    expect(last?.['dueAt']).toBe(`${next}T00:00:00.000Z`);
    expect(last?.['process']).toMatch(new RegExp(`:${service.pid}$`));
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    for (const meter of ['interactions', 'engaged', 'unified']) {
      expect(metrics).toMatch(new RegExp(`tally_meter_age_seconds\\{meter="${meter}"\\} [\\d.]+\n`));
    }
    expect(metrics).toMatch(/tally_aggregator_last_success_age_seconds\{job="aggregate"\} [\d.]+\n/);
    expect(metrics).toContain('tally_aggregator_tenants_waiting 0\n');
  });

  it('tells what was published when, over http', async () => {
    const ask = await system.api();
    const tenantId = freshTenant('asked');
    await log.write({ tenantId, entity: 1, day: '2026-02-01' });
    await system.aggregate(Date.now, { positions: async () => log.positions() });
    await log.write({ tenantId, entity: 2, day: '2026-02-28' });
    const { runId } = await system.aggregate(Date.now, { positions: async () => log.positions() });
    const path = `/v1/tenants/${tenantId}/published`;
    const { body } = await ask(`${path}?meter=interactions&period=2026-02`);
    expect(body).toMatchObject({
      published: [{ total: 1 }, { total: 2, runId, policy: 'all', positions: log.positions() }],
      complete: true,
      asOf: { positions: log.positions() },
    });
    const day = (await ask(`${path}?meter=engaged&period=2026-02-28&limit=1`)).body;
    const parts = { byEnvironment: { prod: 1, test: 1 } };
    expect(day).toMatchObject({ published: [{ total: 2, breakdown: parts }], complete: false });
    expect((await ask(`${path}?meter=engaged&period=2026-02`)).status).toBe(400);
    expect((await ask(`${path}?meter=else&period=2026-02`)).status).toBe(400);
  });

  it('knows what changed before its tables were there', async () => {
    const { clickhouse } = system;
    const days =
      'SELECT tenant_id, day, epoch, partition, max(last) AS newest FROM activity_days GROUP BY ALL ORDER BY ALL';
    const before = await clickhouse.query(days);
    expect(before.length).toBeGreaterThan(10);
    for (const shard of clickhouse.shards) await shard.command('TRUNCATE TABLE activity_days');
    const forget =
      "ALTER TABLE schema_migrations DELETE WHERE name = '0018_activity_days.sql' SETTINGS mutations_sync = 1";
    await clickhouse.command(forget);
    expect(await migrateClickHouse(databaseOptions(clickhouse.database))).toEqual(['0018_activity_days.sql']);
    expect(await clickhouse.query(days)).toEqual(before);
  });
});
