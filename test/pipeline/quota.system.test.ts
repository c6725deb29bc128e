/**
 * Licences, environments, quotas and true-up over the api, on rows as the consumer and the aggregator write them.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeSnapshots } from '@tally/figures';
import { addDays, addToMonth, type Day, dayOf, dayOfMonth, daysIn, firstDayOf, monthOf } from '@tally/metering';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AskApi, freshTenant, TestSystem } from '../support/system.ts';
import { WrittenLog } from '../support/written-log.ts';

interface QuotaCase {
  name: string;
  licences: object[];
  expect: { on: string; engagedPeople: number; interactionsInMonth: number; unifiedPeople: number }[];
}

const cases = JSON.parse(readFileSync(new URL('../cases/quotas.json', import.meta.url), 'utf8')) as QuotaCase[];

describe('licences and quotas', () => {
  let system: TestSystem;
  let log: WrittenLog;
  let ask: AskApi;
  let tenantId: string;

  beforeAll(async () => {
    system = await TestSystem.create('quota');
    log = await WrittenLog.open(system, 4);
    ask = await system.api();
  });

  beforeEach(() => {
    tenantId = freshTenant('quota');
  });

  afterAll(() => system.close());

  const get = async (path: string) => (await ask(`/v1/tenants/${tenantId}/${path}`)).body as Record<string, never>;
  const put = (path: string, body: object) => ask(`/v1/tenants/${tenantId}/${path}`, { method: 'PUT', body });
  const license = async (...licences: object[]) =>
    expect(await put('licences', { licences, because: 'order 1', by: 'ada' })).toMatchObject({ status: 200 });
  /** So many entities with an interaction on a day. */
  const write = (day: Day, ...entities: number[]) =>
    log.write(...entities.map((entity) => ({ tenantId, entity, day })));
  const publishUnified = (...days: [day: Day, byEnvironment: Record<string, number>][]) =>
    writeSnapshots(
      system.clickhouse,
      days.map(([period, byEnvironment]) => ({
        tenantId,
        meter: 'unified' as const,
        period,
        policy: '',
        computedAt: Date.parse(`${period}T03:00:00Z`),
        runId: randomUUID(),
        total: Object.values(byEnvironment).reduce((sum, count) => sum + count, 0),
        breakdown: { byEnvironment, recordsByEnvironment: {} },
        positions: {},
      })),
    );
  const base = { sku: 'ci-base', quantity: 1, startsOn: '2025-01-01', endsOn: null };
  const people = (packSize: number, more: object = {}) => ({
    sku: 'ci-interacted-people-t1',
    quantity: 1,
    packSize,
    startsOn: '2025-01-01',
    endsOn: null,
    ...more,
  });

  it.each(cases)('worked case: $name', async ({ licences, expect: expectations }) => {
    await license(...licences);
    expect(await get('licences')).toMatchObject({ licences });
    for (const { on, engagedPeople, interactionsInMonth, unifiedPeople, ...entitlements } of expectations) {
      expect(await get(`quota?on=${on}`)).toMatchObject({
        on,
        engagedPeople: { owned: engagedPeople, used: 0, remaining: engagedPeople },
        interactions: { month: monthOf(on), owned: interactionsInMonth, used: 0 },
        unifiedPeople: { owned: unifiedPeople, used: 0, remaining: unifiedPeople, known: false },
        ...entitlements,
        policy: 'all',
      });
    }
  });

  describe('licences', () => {
    it('are none until some are entered, and every version stays on record', async () => {
      expect(await get('licences')).toEqual({ licences: [], version: null, catalogueVersion: 1 });
      await license(base);
      await put('licences', { licences: [base, people(5_000, { endsOn: '9999-12-31' })], because: 'more', by: 'bob' });
      await put('licences', { licences: [] });
      const at = expect.stringMatching(/^\d{4}-/);
      expect(await get('licences?history=true')).toMatchObject({
        licences: [],
        version: { by: 'admin', because: '', at },
        history: [
          { by: 'admin', because: '', licences: [] },
          { by: 'bob', because: 'more', licences: [base, people(5_000, { endsOn: '9999-12-31' })] },
          { by: 'ada', because: 'order 1', licences: [base] },
        ],
      });
    });

    it('are refused line by line with a reason, and what was there stays', async () => {
      await license(base);
      const licences = [
        base,
        { ...base, sku: 'ci-bose' },
        { ...people(1), packSize: undefined },
        { ...base, quantity: 0, endsOn: '2024-12-31' },
      ];
      expect(await put('licences', { licences })).toMatchObject({
        status: 400,
        body: {
          code: 'invalid-lines',
          detail: expect.stringContaining('line 3: packSize is missing'),
          faults: [
            { line: 2, field: 'sku', message: expect.stringContaining('is not one of ci-base') },
            { line: 3, field: 'packSize', message: expect.stringContaining('is missing') },
            { line: 4, field: 'quantity', message: 'must be at least 1' },
            { line: 4, field: 'endsOn', message: expect.stringContaining('must be after startsOn') },
          ],
        },
      });
      expect(await get('licences')).toMatchObject({ licences: [base], version: { because: 'order 1' } });
    });

    it.each([
      ['no list', { because: 'x' }],
      ['a list that is none', { licences: 'ci-base' }],
      ['a field too many', { licences: [], why: 'x' }],
      ['nobody', { licences: [], by: ' ' }],
    ])('are refused with %s', async (_, body) => {
      expect(await put('licences', body)).toMatchObject({ status: 400, body: { code: 'invalid-parameter' } });
      expect(await get('licences')).toMatchObject({ version: null });
    });

    it('are not overwritten by whoever has not seen the newest', async () => {
      expect(await put('licences', { licences: [base], replaces: null })).toMatchObject({ status: 200 });
      const { version } = (await get('licences')) as unknown as { version: { id: string } };
      expect(await put('licences', { licences: [], replaces: version.id })).toMatchObject({ status: 200 });
      for (const replaces of [version.id, null]) {
        expect(await put('licences', { licences: [base], replaces })).toMatchObject({
          status: 409,
          body: { code: 'version-overtaken' },
        });
      }
      expect(await get('licences')).toMatchObject({ licences: [] });
    });

    it('can be read about in the catalogue', async () => {
      const { version, products } = (await ask('/v1/catalogue')).body as { version: number; products: object[] };
      expect(version).toBe(1);
      expect(products).toContainEqual(expect.objectContaining({ sku: 'ci-base', engagedPeople: 10_000 }));
    });

    it('are not shown to somebody without a key', async () => {
      for (const path of ['licences', 'environments', 'quota', 'true-up?licenceYear=2026-01-01']) {
        expect((await ask(`/v1/tenants/${tenantId}/${path}`, { key: 'another' })).status).toBe(401);
      }
    });
  });

  describe('a quota', () => {
    it('is of the tenant; each environment is shown beside the others, registered or not', async () => {
      await license(people(4));
      const prod = { id: 'prod', name: 'Shop', type: 'production', geo: 'eu', startsOn: '2025-01-01', endsOn: null };
      const idle = { ...prod, id: 'idle', type: 'developer', endsOn: '2025-02-01' };
      expect(await put('environments', { environments: [prod, idle] })).toMatchObject({ status: 200 });
      // Even entities are in prod, odd ones in test.
      await write('2025-05-10', 0, 1, 2, 4, 6);
      await write('2025-06-10', 1, 1, 0);
      // A published figure also names environments whose last record was deleted.
      await publishUnified(['2025-06-01', { prod: 5, test: 2, emptied: 0 }]);
      expect(await get('environments')).toMatchObject({ environments: [prod, idle], unregistered: ['test'] });
      expect(await get('quota?on=2025-06-10')).toMatchObject({
        engagedPeople: { owned: 4, used: 5, remaining: 0, overage: 1, share: 1.25 },
        interactions: { month: '2025-06', owned: 40, used: 3, remaining: 37, overage: 0, share: 3 / 40, projected: 3 },
        unifiedPeople: { owned: 0, used: 7, remaining: 0, overage: 7, share: null, known: true, reachedOn: null },
        environments: [
          { ...idle, registered: true, engagedPeople: { used: 0, others: 5 } },
          {
            ...prod,
            registered: true,
            engagedPeople: { used: 4, others: 1 },
            interactions: { used: 1, others: 2 },
            unifiedPeople: { used: 5, others: 2 },
          },
          {
            id: 'test',
            registered: false,
            engagedPeople: { used: 1, others: 4 },
            interactions: { used: 2, others: 1 },
            unifiedPeople: { used: 2, others: 5 },
          },
        ],
      });
    });

    it('counts engaged people on the day, and the whole month as it is known', async () => {
      await license(people(4));
      await write('2025-03-01', 0);
      await write('2025-03-31', 1);
      expect(await get('quota?on=2025-03-30')).toMatchObject({ engagedPeople: { used: 1 }, interactions: { used: 2 } });
      expect(await get('quota?on=2025-03-31')).toMatchObject({ engagedPeople: { used: 2 }, interactions: { used: 2 } });
      expect(await get('quota?on=2026-03-01')).toMatchObject({ engagedPeople: { used: 1 }, interactions: { used: 0 } });
      expect(await get('quota?on=2026-03-31')).toMatchObject({ engagedPeople: { used: 0 } });
    });

    it('is judged by the policies of each day, which it names', async () => {
      await license(people(4));
      const policies = [{ from: '2025-04-15', policy: 'outbound-only' }];
      await put('policies', { policies, because: 'contract', by: 'ada' });
      await log.write(
        { tenantId, entity: 0, day: '2025-04-14', inbound: true },
        { tenantId, entity: 2, day: '2025-04-15', inbound: true },
        { tenantId, entity: 4, day: '2025-04-15' },
      );
      expect(await get('quota?on=2025-04-20')).toMatchObject({
        engagedPeople: { used: 2 },
        interactions: { used: 2 },
        policy: 'all, outbound-only from 2025-04-15',
      });
    });

    it('says where this month is heading', async () => {
      const today = dayOf(Date.now());
      const month = monthOf(today);
      await license(people(1_000));
      await write(firstDayOf(month), 0, 1, 2);
      const projected = Math.round((3 * daysIn(month)) / dayOfMonth(today));
      expect(await get('quota')).toMatchObject({ on: today, interactions: { used: 3, projected, reachedOn: null } });
      const next = firstDayOf(addToMonth(month, 1));
      expect(await get(`quota?on=${next}`)).toMatchObject({ interactions: { used: 0, projected: null } });
    });

    it('says on which day it was reached, or will be at the pace of four weeks', async () => {
      await license(people(100, { startsOn: '2025-01-01' }));
      // Two more each day for 28 days: 10 on the first, 66 on the last.
      await write('2025-06-01', ...Array.from({ length: 10 }, (_, entity) => entity));
      for (let day = 1; day <= 28; day++) await write(addDays('2025-06-01', day), 100 + 2 * day, 101 + 2 * day);
      expect(await get('quota?on=2025-06-29')).toMatchObject({ engagedPeople: { used: 66, reachedOn: '2025-07-16' } });
      await license(people(50));
      expect(await get('quota?on=2025-06-29')).toMatchObject({ engagedPeople: { used: 66, reachedOn: '2025-06-21' } });
      await license(people(6));
      expect(await get('quota?on=2025-06-29')).toMatchObject({
        interactions: { owned: 60, used: 66, reachedOn: '2025-06-26' },
      });
    });

    it('lists trials for ever', async () => {
      const trial = { sku: 'trial', quantity: 1, startsOn: '2025-01-01', endsOn: '2025-02-01' };
      await license(base, { ...trial, packSize: 100 });
      await license(base);
      const ended = { trials: [{ ...trial, packSize: 100, state: 'ended' }], engagedPeople: { owned: 10_000 } };
      expect(await get('quota?on=2026-01-01')).toMatchObject(ended);
    });

    it.each(['on=2026-02-30', 'on=today', 'on=9999-12-31', 'on=1969-01-01'])('is refused for %s', async (query) => {
      expect((await ask(`/v1/tenants/${tenantId}/quota?${query}`)).status).toBe(400);
    });
  });

  describe('environments', () => {
    const prod = { id: 'prod', name: 'Shop', type: 'production', geo: 'eu', startsOn: '2025-01-01', endsOn: null };

    it('are refused line by line, and every version stays on record', async () => {
      await put('environments', { environments: [prod], because: 'first', by: 'ada' });
      expect(await put('environments', { environments: [prod, { ...prod, type: 'live' }] })).toMatchObject({
        status: 400,
        body: { faults: [{ line: 2, field: 'type', message: expect.stringContaining('must be one of production') }] },
      });
      await put('environments', { environments: [], because: 'closed', by: 'bob' });
      expect(await get('environments?history=true')).toMatchObject({
        environments: [],
        history: [
          { by: 'bob', because: 'closed', environments: [] },
          { by: 'ada', because: 'first', environments: [prod] },
        ],
      });
    });
  });

  describe('the true-up', () => {
    it('is for the peak of the licence year, with a mid-year add-on, and the packs of least surplus', async () => {
      await license(people(10, { endsOn: '2026-01-01' }), people(5, { startsOn: '2025-08-20', endsOn: '2026-01-01' }));
      await write('2024-12-31', ...Array.from({ length: 14 }, (_, entity) => entity));
      await write('2025-07-01', 20, 21, 22);
      await write('2025-11-05', ...Array.from({ length: 181 }, () => 3));
      await publishUnified(['2024-12-20', { prod: 9 }], ['2025-03-05', { prod: 12 }], ['2026-01-01', { prod: 50 }]);
      expect(await get('true-up?licenceYear=2025-01-01')).toMatchObject({
        licenceYear: { from: '2025-01-01', until: '2026-01-01', lookedAtUpTo: '2025-12-31' },
        engaged: { peak: 17, peakDay: '2025-07-01', shortfall: 7, shortfallDay: '2025-07-01' },
        interactions: { peak: 181, peakMonth: '2025-11', shortfallPeople: 4, shortfallMonth: '2025-11' },
        unified: { peak: 12, peakDay: '2025-03-05', shortfall: 12, shortfallDay: '2025-03-05' },
        peopleToBuy: 7,
        packs: [{ sku: 'ci-interacted-people-t1', packSize: 5_000, quantity: 1 }],
        packsSurplus: 4_993,
        unifiedPeopleToBuy: 12,
        unifiedPacks: [{ sku: 'ci-unified-people', packSize: 50_000, quantity: 1 }],
        policy: 'all',
      });
      const packs = 'ci-interacted-people-t1:3,ci-interacted-people-t2:5';
      expect(await get(`true-up?licenceYear=2025-01-01&packs=${packs}`)).toMatchObject({
        packs: [
          { sku: 'ci-interacted-people-t1', packSize: 3, quantity: 1 },
          { sku: 'ci-interacted-people-t2', packSize: 5, quantity: 1 },
        ],
        packsSurplus: 1,
        unifiedPacks: [{ packSize: 50_000 }],
      });
    });

    it('takes a month to the year that begins in it', async () => {
      await license(people(1));
      await write('2025-02-10', ...Array.from({ length: 21 }, () => 0));
      await write('2026-02-20', ...Array.from({ length: 41 }, () => 0));
      expect(await get('true-up?licenceYear=2025-02-15')).toMatchObject({
        licenceYear: { until: '2026-02-15' },
        interactions: { peak: 21, peakMonth: '2025-02', shortfallPeople: 2 },
      });
      expect(await get('true-up?licenceYear=2026-02-15')).toMatchObject({
        interactions: { peak: 41, peakMonth: '2026-02', shortfallPeople: 4 },
      });
    });

    it('looks at nothing of a year to come, and is refused without a day', async () => {
      expect(await get('true-up?licenceYear=2090-01-01')).toMatchObject({
        licenceYear: { lookedAtUpTo: null },
        engaged: { peak: 0, peakDay: null, shortfall: 0 },
        peopleToBuy: 0,
        packs: [],
        packsSurplus: 0,
      });
      for (const query of [
        '',
        '?licenceYear=2025',
        '?licenceYear=2025-01-01&packs=ci-base:5',
        '?licenceYear=2025-01-01&packs=x',
      ]) {
        expect((await ask(`/v1/tenants/${tenantId}/true-up${query}`)).status).toBe(400);
      }
    });
  });
});
