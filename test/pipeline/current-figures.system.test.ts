/**
 * Figures of now from what is published: at every step of any history they are those that the derived tables give, and
 * nothing is worked out where nothing is new. Rows are written into `ingest`, as the consumer writes them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { CurrentFigures, decidePolicies, policyTimeline, type TenantFigures, workedOut } from '@tally/figures';
import { addDays, addMonths, always, dayOf, monthOf, policyNamed } from '@tally/metering';
import { ClickHouse, type Params } from '@tally/platform/clickhouse';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runsOf } from '../support/some-of.ts';
import { type AskApi, freshTenant, TestSystem } from '../support/system.ts';
import { WrittenLog } from '../support/written-log.ts';

const SEED = 20_261_125;
const MS_PER_DAY = 86_400_000;
const PARTITIONS = 4;
/** Between two runs; longer than a decision may become visible late. */
const RUN_EVERY_MS = 400_000;
const RANDOM_TIMEOUT_MS = 300_000;
const outbound = policyNamed('outbound-only') ?? expect.fail('no such policy');

/** Counts what is worked out from the events of people; and can lose or hold back what is written. */
class WatchedClickHouse extends ClickHouse {
  passes = 0;
  beforeInsert: (table: string) => Promise<void> = async () => {};

  override query<Row>(sql: string, params: Params = {}): Promise<Row[]> {
    if (/\b(entity_months|daily_interactions)\b/.test(sql)) this.passes += 1;
    return super.query(sql, params);
  }

  override async insert(...asked: Parameters<ClickHouse['insert']>): Promise<void> {
    await this.beforeInsert(asked[0]);
    return super.insert(...asked);
  }
}

describe('figures of now', () => {
  let system: TestSystem;
  let log: WrittenLog;
  let clickhouse: WatchedClickHouse;
  /** One that is kept for all tests, as the api keeps it. */
  let kept: CurrentFigures;
  let ask: AskApi;
  let now = Date.parse('2026-03-15T12:00:00Z');
  const opened: ClickHouse[] = [];

  beforeAll(async () => {
    system = await TestSystem.create('current', { partitions: PARTITIONS });
    log = await WrittenLog.open(system, PARTITIONS);
    clickhouse = watched();
    kept = new CurrentFigures(clickhouse);
    ask = await system.api();
  });

  afterAll(async () => {
    for (const one of opened) await one.close();
    await system?.close();
  });

  function watched(): WatchedClickHouse {
    const url = system.env['TALLY_CLICKHOUSE_URL'] ?? '';
    const client = new WatchedClickHouse({ url, database: system.clickhouse.database });
    opened.push(client);
    return client;
  }

  type Change = Parameters<TestSystem['aggregate']>[1];

  function run(change: Change = {}): ReturnType<TestSystem['aggregate']> {
    now += RUN_EVERY_MS;
    return system.aggregate(() => now, { positions: async () => log.positions(), ...change });
  }

  interface Answers {
    curve: unknown;
    months: unknown;
  }

  async function answersOf(figures: TenantFigures, tenantId: string, asOne = false): Promise<Answers> {
    const policies = asOne ? always(outbound) : await policyTimeline(system.clickhouse, tenantId);
    const today = dayOf(now);
    const [from, to] = [addMonths(today, -11), addDays(today, 3)];
    return {
      curve: await figures.engagedCurve({ policies, from, to }),
      months: await figures.monthlyInteractions({ policies, from: monthOf(from), to: monthOf(to) }),
    };
  }

  /** Whoever asks gets what the derived tables say, whether his reading of the run log is of now or of before. */
  async function expectExact(tenantId: string, asOne = false): Promise<void> {
    const exact = await answersOf(workedOut(system.clickhouse, tenantId), tenantId, asOne);
    expect(await answersOf(new CurrentFigures(system.clickhouse).of(tenantId), tenantId, asOne)).toEqual(exact);
    expect(await answersOf(kept.of(tenantId), tenantId, asOne)).toEqual(exact);
  }

  /** How many passes over people's events or months it takes to tell all figures, with a reading of the run log of now. */
  async function passesFor(tenantId: string): Promise<number> {
    clickhouse.passes = 0;
    await answersOf(new CurrentFigures(clickhouse).of(tenantId), tenantId);
    return clickhouse.passes;
  }

  /** Only what was published up to the run's day is asked for. */
  async function passesUpToToday(tenantId: string): Promise<number> {
    clickhouse.passes = 0;
    const figures = new CurrentFigures(clickhouse).of(tenantId);
    const policies = await policyTimeline(system.clickhouse, tenantId);
    const today = dayOf(now);
    await figures.engagedCurve({ policies, from: addMonths(today, -12), to: today });
    await figures.monthlyInteractions({ policies, from: monthOf(addMonths(today, -12)), to: monthOf(today) });
    return clickhouse.passes;
  }

  it(
    `are exact after every step of any history (seed ${SEED})`,
    async () => {
      const anyDay = fc
        .oneof(fc.integer({ min: -460, max: 0 }), fc.integer({ min: -3, max: 1 }))
        .map((offset) => addDays('2026-03-15', offset));
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
        { weight: 1, arbitrary: fc.record({ kind: fc.constant('policy' as const), from: anyDay, all: fc.boolean() }) },
        {
          weight: 4,
          arbitrary: fc.record({
            kind: fc.constant('run' as const),
            days: fc.constantFrom(0, 0, 1, 3),
            ends: fc.constantFrom('well', 'well', 'well', 'unrecorded', 'badly'),
          }),
        },
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 20 }), async (steps) => {
          const tenantId = freshTenant('random');
          const written: { offset: number; voided: boolean }[] = [];
          for (const one of steps) {
            if (one.kind === 'event') {
              const { entity, day, inbound } = one;
              written.push({ offset: await log.write({ tenantId, entity, day, inbound }), voided: false });
            } else if (one.kind === 'void') {
              const target = written[one.which % Math.max(1, written.length)];
              if (!target || target.voided) continue;
              target.voided = true;
              await log.write({ tenantId, entity: 0, day: dayOf(now), voids: target.offset });
            } else if (one.kind === 'policy') {
              const decision = { tenantId, changedAt: ++now, changedBy: 'test', because: 'test' };
              const starts = one.all ? [] : [{ from: one.from, policy: outbound }];
              await decidePolicies(system.clickhouse, { ...decision, starts });
            } else {
              now += one.days * MS_PER_DAY;
              const failing = watched();
              const fails = one.ends === 'badly' ? 'snapshots' : one.ends === 'unrecorded' ? 'aggregator_runs' : '';
              failing.beforeInsert = async (table) => {
                if (table === fails) throw new Error('killed');
              };
              await run({ clickhouse: failing }).catch(() => {});
            }
            await expectExact(tenantId, one.kind === 'void');
          }
        }),
        { seed: SEED, numRuns: runsOf(1, 3) },
      );
    },
    RANDOM_TIMEOUT_MS,
  );

  it('are worked out only from the first day on which something is new', async () => {
    const [tenantId, other] = [freshTenant('passes'), freshTenant('other')];
    const today = dayOf(now);
    await log.write({ tenantId, entity: 1, day: addDays(today, -100) }, { tenantId, entity: 2, day: today });
    expect(await passesUpToToday(tenantId)).toBeGreaterThan(0);
    await run();
    expect(await passesUpToToday(tenantId)).toBe(0);
    await log.write({ tenantId: other, entity: 1, day: today });
    expect(await passesUpToToday(tenantId)).toBe(0);
    // Days to come are nobody's yet: one pass.
    expect(await passesFor(tenantId)).toBe(1);
    await log.write({ tenantId, entity: 3, day: today });
    await expectExact(tenantId);
    // The day, and its month.
    expect(await passesUpToToday(tenantId)).toBe(2);
    await run();
    expect(await passesUpToToday(tenantId)).toBe(0);
    await log.write({ tenantId, entity: 4, day: addDays(today, -9), inbound: true });
    await run();
    const starts = [{ from: addDays(today, -20), policy: outbound }];
    await decidePolicies(system.clickhouse, { tenantId, changedAt: ++now, changedBy: 'test', because: 'test', starts });
    await expectExact(tenantId);
  });

  it('do not rely on a run that was overtaken, nor on one that has died, until another has published anew', async () => {
    const tenantId = freshTenant('overtaken');
    const today = dayOf(now);
    await log.write({ tenantId, entity: 1, day: addDays(today, -10) });
    await run();
    await log.write({ tenantId, entity: 2, day: addDays(today, -5) });
    // A slow run has read its figures; before it publishes them, an event comes and a quick run publishes that.
    const slow = watched();
    const [reached, goOn, published, end] = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
    slow.beforeInsert = async (table) => {
      if (table === 'snapshots') {
        reached?.resolve();
        await goOn?.promise;
      } else {
        published?.resolve();
        await end?.promise;
      }
    };
    const clocks = { slow: now + RUN_EVERY_MS * 3 };
    const running = system.aggregate(() => clocks.slow++, { positions: async () => log.positions(), clickhouse: slow });
    await reached?.promise;
    await log.write({ tenantId, entity: 3, day: addDays(today, -5) });
    await run();
    await expectExact(tenantId);
    goOn?.resolve();
    await published?.promise;
    // Its older figures are the newest now.
    await expectExact(tenantId);
    end?.resolve();
    await running;
    await expectExact(tenantId);
    now = clocks.slow;
    await run();
    await expectExact(tenantId);
    expect(await passesUpToToday(tenantId)).toBe(0);

    const dying = watched();
    await log.write({ tenantId, entity: 4, day: addDays(today, -2) });
    dying.beforeInsert = async (table) => {
      if (table === 'aggregator_runs') throw new Error('killed');
    };
    await expect(run({ clickhouse: dying })).rejects.toThrow('killed');
    await expectExact(tenantId);
    await run();
    await expectExact(tenantId);
    expect(await passesUpToToday(tenantId)).toBe(0);
  });

  it('hold events that were read after offsets had been moved ahead of them and back', async () => {
    const tenantId = freshTenant('skipped');
    const today = dayOf(now);
    await log.write({ tenantId, entity: 1, day: addDays(today, -10) });
    const ahead = Object.fromEntries(Object.entries(log.positions()).map(([place, end]) => [place, end + 100]));
    await run({ positions: async () => ahead });
    await log.write({ tenantId, entity: 2, day: addDays(today, -5) });
    await expectExact(tenantId);
    await run();
    await expectExact(tenantId);
    const asked = { policies: always(), from: today, to: today };
    expect((await kept.of(tenantId).engagedCurve(asked))[0]?.total).toBe(2);
  });

  it('rely on nothing of a tenant that failed', async () => {
    const tenantId = freshTenant('failing');
    const today = dayOf(now);
    await log.write({ tenantId, entity: 1, day: today });
    await run();
    await log.write({ tenantId, entity: 2, day: today });
    const failing = watched();
    failing.query = (sql: string, params: Params = {}) => {
      const { tenants } = params as { tenants?: string[] };
      if (sql.includes('entity_months') && tenants?.includes(tenantId)) return Promise.reject(new Error('too much'));
      return ClickHouse.prototype.query.call(failing, sql, params) as never;
    };
    expect(await run({ clickhouse: failing })).toMatchObject({ failed: [tenantId] });
    await expectExact(tenantId);
    await run();
    await expectExact(tenantId);
    expect(await passesUpToToday(tenantId)).toBe(0);
  });

  it('are worked out for days that are published no more when something before them is new', async () => {
    const tenantId = freshTenant('old');
    const started = dayOf(now);
    const day = addMonths(started, -35);
    await log.write({ tenantId, entity: 1, day });
    await run();
    now += 100 * MS_PER_DAY;
    await log.write({ tenantId, entity: 2, day: addDays(day, -1) });
    await run();
    const asked = { policies: always(), from: addDays(day, -3), to: addDays(day, 3) };
    const exact = await workedOut(system.clickhouse, tenantId).engagedCurve(asked);
    expect(exact.at(-1)?.total).toBe(2);
    expect(await new CurrentFigures(system.clickhouse).of(tenantId).engagedCurve(asked)).toEqual(exact);
  });

  // The last of them: it runs at the time of the clock, which is later than all others.
  it('are told by the api as the derived tables have them, at once', async () => {
    const tenantId = freshTenant('asked');
    const path = `/v1/tenants/${tenantId}`;
    const today = dayOf(Date.now());
    const from = addMonths(today, -12);
    const policies = always();
    const commit = async (): Promise<void> => {
      const topic = system.topics.interactions;
      const ends = Array.from({ length: PARTITIONS }, (_, partition): [number, bigint] => [
        partition,
        BigInt(log.positions()[`${topic}/${partition}`] ?? 0),
      ]);
      await system.admin.setCommitted(system.groupId, topic, new Map(ends));
      // As long as the api may go by what was committed before.
      await sleep(1_100);
    };
    const compare = async (): Promise<void> => {
      const exact = workedOut(system.clickhouse, tenantId);
      const curve = await exact.engagedCurve({ policies, from, to: today });
      const months = await exact.monthlyInteractions({ policies, from: monthOf(from), to: monthOf(today) });
      const answers = await Promise.all([
        ask(`${path}/engaged/curve?from=${from}&to=${today}`),
        ask(`${path}/engaged?asOf=${today}`),
        ask(`${path}/interactions?from=${monthOf(from)}&to=${monthOf(today)}`),
        ask(`${path}/quota`),
        // The year that ends with today.
        ask(`${path}/true-up?licenceYear=${addDays(from, 1)}`),
      ]);
      for (const { status, body } of answers) expect([status, body]).toEqual([200, expect.anything()]);
      const [asked, day, interactions, quota, trueUp] = answers.map(({ body }) => body as Record<string, unknown>);
      expect(asked?.['days']).toEqual(curve.map(({ day, total }) => ({ day, total })));
      expect(day).toMatchObject({ ...curve.at(-1) });
      expect(interactions?.['months']).toEqual(months);
      expect(quota).toMatchObject({ engagedPeople: { used: curve.at(-1)?.total } });
      expect(trueUp).toMatchObject({ engaged: { peak: Math.max(...curve.slice(1).map(({ total }) => total)) } });
    };
    const aggregate = () => system.aggregate(Date.now, { positions: async () => log.positions() });
    await compare();
    const first = await log.write(
      { tenantId, entity: 1, day: addDays(today, -40) },
      { tenantId, entity: 2, day: today },
    );
    await compare();
    await aggregate();
    await compare();
    await commit();
    await compare();
    await log.write({ tenantId: freshTenant('other'), entity: 3, day: today });
    await compare();
    await log.write({ tenantId, entity: 3, day: addDays(today, -3) });
    await compare();
    await commit();
    await compare();
    await log.write({ tenantId, entity: 1, day: today, voids: first });
    await compare();
    await aggregate();
    await compare();
  });
});
