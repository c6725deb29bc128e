/**
 * From figures and the pipeline's state to alerts that are opened once, kept back where people said so, and listed.
 */

import { changeLicences, lastSucceeded } from '@tally/figures';
import type { Day } from '@tally/metering';
import { createLog } from '@tally/platform/log';
import { ALERTS_JOB, beginSilence, endSilence, lookForAlerts, silences, storedAlerts } from '@tally/watch';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { interaction } from '../support/interaction.ts';
import { type AskApi, freshTenant, TestSystem } from '../support/system.ts';
import { WrittenLog } from '../support/written-log.ts';

const PARTITIONS = 4;
const MS_PER_MINUTE = 60_000;
const log = createLog('test', 'silent');
const noonOf = (day: Day): number => Date.parse(`${day}T12:00:00Z`);

let system: TestSystem;
let written: WrittenLog;
let ask: AskApi;
let tenantId: string;
/** Only moves on: the run log knows when the last look was. */
let now = noonOf('2026-03-10');

beforeAll(async () => {
  system = await TestSystem.create('alerts', { partitions: PARTITIONS });
  written = await WrittenLog.open(system, PARTITIONS);
  ask = await system.api();
});

afterAll(() => system?.close());

beforeEach(() => {
  tenantId = freshTenant('watched');
});

async function look(minutes = 1): Promise<void> {
  now += minutes * MS_PER_MINUTE;
  const { clickhouse, admin, groupId, topics } = system;
  await lookForAlerts({ clickhouse, admin, groupId, topics, graceDays: 3, log, clock: () => now });
}

/** Publishes what was written by now, and looks. */
async function publishAndLook(): Promise<void> {
  now += MS_PER_MINUTE;
  await system.aggregate(() => now, { positions: async () => written.positions() });
  await look();
}

async function license(people: number): Promise<void> {
  const lines = [
    { sku: 'ci-interacted-people-t1', quantity: 1, packSize: people, startsOn: '2026-01-01', endsOn: null },
  ];
  await changeLicences(system.clickhouse, { tenantId, now, by: 'ann', because: 'test', lines });
}

/** So many interactions of one entity on a day. */
function interactions(count: number, day: Day): Promise<number> {
  return written.write(...Array.from({ length: count }, () => ({ tenantId, entity: 1, day })));
}

/** Changes as `rule change severity`, oldest first. */
async function changes(tenant = tenantId): Promise<string[]> {
  const rows = await system.clickhouse.query<{ text: string }>(
    `SELECT concat(JSONExtractString(document, 'alert', 'rule'), ' ', JSONExtractString(document, 'change'), ' ',
       JSONExtractString(document, 'alert', 'severity'), if(told, '', ' kept back')) AS text
     FROM alert_changes FINAL WHERE tenant_id = {tenant:String} ORDER BY at, alert_id, change_id`,
    { tenant },
  );
  return rows.map(({ text }) => text);
}

describe('a tenant’s quota', () => {
  it('alerts once at each level, does not flap, and opens anew in the next month', async () => {
    await license(10);
    await interactions(79, '2026-03-01');
    await publishAndLook();
    expect((await changes()).filter((one) => one.startsWith('quota-share-interactions'))).toEqual([]);
    const [last] = [await interactions(1, '2026-03-02')];
    await publishAndLook();
    await look();
    const share = async () => (await changes()).filter((one) => one.startsWith('quota-share-interactions'));
    expect(await share()).toEqual(['quota-share-interactions opened info']);
    // One less is 79 %, within the hysteresis.
    await written.write({ tenantId, entity: 1, day: '2026-03-02', voids: last });
    await publishAndLook();
    expect(await share()).toEqual(['quota-share-interactions opened info']);
    await interactions(25, '2026-03-03');
    await publishAndLook();
    expect(await share()).toEqual(['quota-share-interactions opened info', 'quota-share-interactions raised critical']);
    now = noonOf('2026-04-02');
    await publishAndLook();
    await interactions(80, '2026-04-02');
    await publishAndLook();
    expect((await share()).slice(2)).toEqual([
      'quota-share-interactions resolved critical',
      'quota-share-interactions opened info',
    ]);
  });

  it('says nothing where no licence was ever entered', async () => {
    await interactions(500, '2026-04-01');
    await publishAndLook();
    expect(await changes()).toEqual([]);
  });

  it('follows own rules, which stay on record with who decided and why', async () => {
    await license(10);
    await interactions(60, '2026-04-01');
    const rules = [{ name: 'quota-share-interactions', levels: { critical: 0.5 } }];
    const path = `/v1/tenants/${tenantId}/alert-rules`;
    const put = (body: object) => ask(path, { method: 'PUT', body });
    expect(await put({ rules: [{ name: 'quota-share-interactions', levels: { critical: 'much' } }] })).toMatchObject({
      status: 400,
      body: { code: 'invalid-lines' },
    });
    expect(await put({ rules, because: 'early', by: 'ann' })).toMatchObject({ status: 200, body: { own: rules } });
    await publishAndLook();
    expect(await changes()).toContain('quota-share-interactions opened critical');
    await put({ rules: [{ name: 'quota-share-interactions', off: true }], because: 'enough' });
    await look();
    expect(await changes()).toContain('quota-share-interactions resolved critical');
    expect(await ask(path)).toMatchObject({ body: { version: { because: 'enough' } } });
  });

  it('is looked at again only when something came, and all of it once an hour', async () => {
    await license(10);
    await interactions(90, '2026-04-01');
    await publishAndLook();
    const before = await lastSucceeded(system.clickhouse, ALERTS_JOB);
    await look(59);
    const { clickhouse } = system;
    const runs = await clickhouse.query<{ scope: string; tenants: number }>(
      "SELECT toString(scope) AS scope, tenants FROM aggregator_runs WHERE job = 'alerts' ORDER BY started_at DESC LIMIT 1",
    );
    const [hourly] = runs;
    expect(hourly).toMatchObject({ scope: 'all' });
    expect(await lastSucceeded(clickhouse, ALERTS_JOB)).toBeGreaterThan(before ?? 0);
    await look(20);
    const [next] = await clickhouse.query<{ scope: string; tenants: number }>(
      "SELECT toString(scope) AS scope, tenants FROM aggregator_runs WHERE job = 'alerts' ORDER BY started_at DESC LIMIT 1",
    );
    expect(next?.scope).toBe('changed');
    expect(next?.tenants).toBeLessThan(hourly?.tenants ?? 0);
  });
});

describe('people', () => {
  it('silence alerts; what outlasts the silence is told when it ends, as it is then', async () => {
    await license(10);
    const until = new Date(now + 10 * MS_PER_MINUTE).toISOString();
    const body = { tenantId, from: new Date(now).toISOString(), until, reason: 'migration', by: 'ann' };
    expect(await ask('/v1/alerts/silences', { method: 'POST', body })).toMatchObject({ status: 201 });
    await interactions(85, '2026-04-01');
    await publishAndLook();
    const share = async () => (await changes()).filter((one) => one.startsWith('quota-share-interactions'));
    expect(await share()).toEqual(['quota-share-interactions opened info kept back']);
    await look(12);
    expect(await share()).toEqual(['quota-share-interactions opened info']);
  });

  it('end a silence, whatever the clock of the machine that does says', async () => {
    const { clickhouse } = system;
    const until = new Date(now + 10 * MS_PER_MINUTE).toISOString();
    const from = new Date(now - 10 * MS_PER_MINUTE).toISOString();
    const said = { tenantId, rule: null, subject: null, from, until, by: 'ada', reason: 'a test' };
    for (const behindMs of [0, 5_000]) {
      const id = await beginSilence(clickhouse, said, now);
      await endSilence(clickhouse, { tenantId, id, now: now - behindMs });
      const found = (await silences(clickhouse, [tenantId])).get(tenantId)?.find((one) => one.id === id);
      expect(found?.silence.until).toBe(new Date(now - behindMs).toISOString());
    }
  });

  it('acknowledge an alert: no worse than they know is not told, worse is', async () => {
    await license(10);
    await interactions(85, '2026-04-01');
    await publishAndLook();
    const known = (await storedAlerts(system.clickhouse, { tenants: [tenantId], now })).get(tenantId) ?? [];
    const alert = known.find((one) => one.alert.rule === 'quota-share-interactions')?.alert;
    const path = `/v1/alerts/${alert?.id}/acknowledgements`;
    const body = { tenantId, reason: 'we know', by: 'ann' };
    expect(await ask(path, { method: 'POST', body })).toMatchObject({ status: 201, body: { severity: 'info' } });
    const wrong = `/v1/alerts/${'0'.repeat(32)}/acknowledgements`;
    expect(await ask(wrong, { method: 'POST', body })).toMatchObject({ status: 404, body: { code: 'alert-unknown' } });
    await interactions(20, '2026-04-02');
    await publishAndLook();
    expect(await changes()).toContain('quota-share-interactions raised critical');
    const listed = await ask(`/v1/tenants/${tenantId}/alerts?state=open`);
    expect(listed).toMatchObject({ status: 200 });
    const { alerts } = listed.body as { alerts: { rule: string; acknowledgements: object[]; changes: object[] }[] };
    expect(alerts.find(({ rule }) => rule === 'quota-share-interactions')).toMatchObject({
      state: 'open',
      severity: 'critical',
      acknowledgements: [{ by: 'ann', reason: 'we know' }],
      changes: [{ change: 'raised' }, { change: 'opened' }],
    });
  });

  it('see what rules would have said in the last twelve months, and nothing comes of it', async () => {
    await license(10);
    for (const [day, count] of [
      ['2025-12-01', 5],
      ['2026-01-10', 85],
      ['2026-02-10', 50],
      ['2026-02-20', 60],
    ] as const) {
      await interactions(count, day);
    }
    await publishAndLook();
    const stored = await changes();
    // The api's clock is the real one, so what it looks back on ends today.
    const path = `/v1/tenants/${tenantId}/alert-rules/dry-run`;
    const answer = await ask(path, { method: 'POST', body: {} });
    expect(answer.status).toBe(200);
    const { changes: said } = answer.body as { changes: { change: string; at: string; alert: { rule: string } }[] };
    const share = said.filter(({ alert }) => alert.rule === 'quota-share-interactions');
    expect(share.map(({ at, change }) => `${at.slice(0, 10)} ${change}`)).toEqual([
      '2026-01-10 opened',
      '2026-02-01 resolved',
      '2026-02-20 opened',
      '2026-03-01 resolved',
    ]);
    expect(await changes()).toEqual(stored);
  });
});

describe('the pipeline', () => {
  it('alerts when records wait, when they cannot count, when the ledger does not add up and when figures get old', async () => {
    const own = await TestSystem.create('alerts_pipeline', { partitions: PARTITIONS });
    try {
      const { clickhouse, admin, groupId, topics } = own;
      let at = Date.now();
      const lookNow = async (minutes: number): Promise<string[]> => {
        at += minutes * MS_PER_MINUTE;
        await lookForAlerts({ clickhouse, admin, groupId, topics, graceDays: 3, log, clock: () => at });
        const known = (await storedAlerts(clickhouse, { tenants: [''], now: at })).get('') ?? [];
        return known.map(({ alert }) => `${alert.rule} ${alert.state} ${alert.severity}`).sort();
      };
      const producer = own.producer();
      await producer.send({ schema: 'Interaction', value: interaction({ tenantId: 'one' }) });
      await own.sender.send([{ topic: topics.interactions, key: Buffer.from('x'), value: Buffer.from('no record') }]);
      expect(await lookNow(0)).toEqual([]);
      // They have waited for ten minutes now.
      expect(await lookNow(10)).toEqual(['consumer-lag-age open warning']);
      const consumer = await own.consumer();
      await own.caughtUp();
      await own.aggregate(() => at);
      expect(await lookNow(1)).toEqual(['consumer-lag-age resolved warning', 'dead-letters-number open info']);
      await consumer.stop();
      for (const shard of clickhouse.shards) await shard.command('TRUNCATE TABLE log_outcomes SYNC');
      // An hour later, when the ledger is looked at, no run has published anything either.
      expect(await lookNow(61)).toEqual([
        'consumer-lag-age resolved warning',
        'dead-letters-number open info',
        'ledger-mismatch open critical',
        'stale-figures open critical',
      ]);
    } finally {
      await own.close();
    }
  });
});
