/**
 * Alerts told to real receivers, on the real ClickHouse and Kafka. Time is a clock that the tests set; only receivers that
 * do not answer make them wait.
 */
import { randomUUID } from 'node:crypto';
import { changeTargets, currentTargets, deliveriesOf, requestTest, targetVersions } from '@tally/notifier';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ANSWER_MS, NotifierStage, SECRET_TEXTS } from '../support/notifier-stage.ts';
import { closedPort } from '../support/receivers.ts';
import { eventually } from '../support/system.ts';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600 * SECOND_MS;

describe('the notifier', () => {
  let stage: NotifierStage;

  beforeAll(async () => {
    stage = await NotifierStage.open('notifier');
  });
  beforeEach(() => stage.begin());
  afterEach(() => stage.clear());
  afterAll(() => stage.close());

  it('does with each receiver what its answer says, and none waits for another', async () => {
    const paths =
      '/ok /hangs /resets /500 /404 /410 /429 /503 /redirects /redirects-away /cut-headers /cut-200 /cut-500 /drips-headers /drips-body /endless-500 /not-http';
    await stage.setTargets(
      stage.hook('/hangs', { id: 'a-hangs' }),
      ...paths.split(' ').map((path) => stage.hook(path)),
      stage.hook('/', { id: 'refuses', address: `http://127.0.0.1:${await closedPort()}/` }),
      stage.hook('/', { id: 'no-such-name', address: 'http://receiver.invalid/' }),
      stage.hook('/', { id: 'query', address: 'env:TALLY_TARGET_QUERY' }),
      stage.hook('/', { id: 'no-secret', secrets: ['file:nowhere'] }),
    );
    const id = `behaviours-${randomUUID()}`;
    await stage.write([stage.change(id)]);
    const { round, registry } = await stage.notifier();
    await round();

    const rows = Object.fromEntries((await stage.attempts(id)).map((row) => [row.targetId, row]));
    const failed = (status: number, detail: string, afterMs = 5 * SECOND_MS) => ({
      outcome: 'failed',
      status,
      attempt: 1,
      detail: expect.stringContaining(detail),
      nextAttemptAt: expect.toSatisfy(
        (at: number) => Math.abs(at - stage.now - afterMs) <= Math.max(SECOND_MS, afterMs / 20),
      ),
    });
    const delivered = { outcome: 'delivered', status: 200, attempt: 1, nextAttemptAt: null };
    expect(rows).toMatchObject({
      ok: delivered,
      'cut-200': delivered,
      'drips-body': delivered,
      hangs: failed(0, `no answer within ${ANSWER_MS} ms`),
      resets: failed(0, 'ECONNRESET'),
      500: failed(500, 'answered 500: out of order'),
      query: failed(500, 'nothing at *** for ***'),
      404: failed(404, 'answered 404'),
      410: { outcome: 'refused', status: 410, detail: 'answered 410: moved away', nextAttemptAt: null },
      429: failed(429, 'answered 429', 120 * SECOND_MS),
      503: failed(503, 'answered 503', 600 * SECOND_MS),
      redirects: failed(302, 'redirects (to nowhere) are not followed'),
      'redirects-away': failed(308, 'redirects (to http://localhost:1) are not followed'),
      'cut-headers': failed(0, 'closed'),
      'cut-500': failed(500, 'answered 500'),
      'drips-headers': failed(0, `no answer within ${ANSWER_MS} ms`),
      'endless-500': failed(500, 'answered 500: xxx'),
      'not-http': failed(0, 'does not match the HTTP/1.1 protocol'),
      refuses: failed(0, 'ECONNREFUSED'),
      'no-such-name': failed(0, 'ENOTFOUND'),
      'no-secret': failed(0, 'file:nowhere: there is nothing'),
    });
    expect(stage.http.at('/ok')).toHaveLength(1);
    // While the first of the list was still being waited for.
    expect((stage.http.at('/ok')[0]?.at ?? Number.NaN) - (stage.http.at('/hangs')[0]?.at ?? Number.NaN)).toBeLessThan(
      ANSWER_MS,
    );
    expect(await registry.metrics()).toMatch(/tally_notifier_attempts_total{kind="webhook",outcome="delivered"} 3/);

    // The receiver that wants nothing more is off, on record, and hears of nothing else.
    const [newest] = await targetVersions(stage.system.clickhouse, 1);
    expect(newest).toMatchObject({ changedBy: 'notifier', because: 'answered 410: moved away' });
    expect(newest?.targets.filter(({ enabled }) => !enabled)).toMatchObject([{ id: '410' }]);
    const [second = ''] = await stage.write([stage.change(`after-410-${randomUUID()}`)]);
    await round();
    expect((await deliveriesOf(stage.system.clickhouse, [second])).map(({ targetId }) => targetId)).not.toContain(
      '410',
    );
    expect(stage.http.at('/410')).toHaveLength(1);
    // The one that asked for two minutes is left alone until then, also with what is new.
    expect(stage.http.at('/429')).toHaveLength(1);
  });

  it('tries again with the same id after growing waits, and gives up after 24 hours', async () => {
    await stage.setTargets(stage.hook('/500'));
    const id = `day-${randomUUID()}`;
    await stage.write([stage.change(id)]);
    const { round } = await stage.notifier();
    const planned = stage.now;
    await round();
    for (let turn = 0; turn < 30; turn++) {
      const last = (await stage.attempts(id)).at(-1);
      if (!last || last.nextAttemptAt === null) break;
      stage.now = last.nextAttemptAt - 1;
      await round();
      stage.now++;
      await round();
    }
    const rows = await stage.attempts(id);
    expect(rows.map(({ attempt }) => attempt)).toEqual(rows.map((_, index) => index + 1));
    expect(rows.map(({ outcome }) => outcome)).toEqual([...rows.slice(1).map(() => 'failed'), 'undeliverable']);
    expect(rows.at(-1)).toMatchObject({ at: planned + 24 * HOUR_MS, nextAttemptAt: null });
    expect(rows.at(-1)?.detail).toMatch(/^given up after 24 hours; last: answered 500/);
    expect(rows.slice(0, 4).map(({ at }) => at - planned)).toEqual([0, 5_000, 35_000, 155_000]);
    expect(rows.length).toBeGreaterThan(10);

    const hits = stage.http.at('/500');
    expect(hits.map(({ headers }) => headers['webhook-id'])).toEqual(rows.map(() => id));
    expect(new Set(hits.map(({ body }) => body)).size).toBe(1);
    expect(new Set(hits.map(({ headers }) => headers['webhook-timestamp'])).size).toBe(hits.length);
    stage.now += 48 * HOUR_MS;
    await round();
    expect(stage.http.at('/500')).toHaveLength(rows.length);
  });

  it.each([
    [
      'an address of this machine',
      (port: number) => `http://127.0.0.1:${port}/ok`,
      '127.0.0.1 is not a public address',
    ],
    ['a name that leads to it', (port: number) => `http://localhost:${port}/ok`, 'is not a public address'],
    ['the metadata of a cloud', () => 'http://169.254.169.254/latest', '169.254.169.254 is not a public address'],
  ])('sends nothing to %s unless that is allowed', async (_, address, detail) => {
    await stage.setTargets(stage.hook('/ok', { address: address(stage.http.port) }));
    const [id = ''] = await stage.write([stage.change(`private-${randomUUID()}`)]);
    await (await stage.notifier({ TALLY_NOTIFY_PRIVATE_NETWORKS: '10.0.0.0/8' })).round();
    expect(await stage.attempts(id)).toMatchObject([{ outcome: 'refused', detail: expect.stringContaining(detail) }]);
    expect(stage.http.received).toEqual([]);
  });

  it('goes on where another was cut off: what was sent and not recorded is sent again, with the same id', async () => {
    await stage.setTargets(stage.hook('/ok'));
    const [first = '', second = ''] = await stage.write([
      stage.change(`a-${randomUUID()}`),
      stage.change(`b-${randomUUID()}`),
    ]);
    const never = new Promise<void>(() => undefined);
    const frozen = await stage.notifier({}, { checkpoint: (place) => (place === 'sent' ? never : Promise.resolve()) });
    await frozen.notifier.tick();
    await eventually(async () => expect(stage.http.at('/ok')).toHaveLength(2));
    await frozen.notifier.stop(0);
    stage.forget(frozen);
    expect(await stage.attempts(first)).toEqual([]);

    await (await stage.notifier()).round();
    const ids = stage.http.at('/ok').map(({ headers }) => headers['webhook-id']);
    expect(ids.toSorted()).toEqual([first, first, second, second].toSorted());
    expect(await stage.attempts(first)).toMatchObject([{ attempt: 1, outcome: 'delivered' }]);
    await (await stage.notifier()).round();
    expect(stage.http.at('/ok')).toHaveLength(4);
  });

  it('tells each of many changes once, in their order, page after page, at the rate that is allowed', async () => {
    await stage.setTargets(stage.hook('/ok', { perMinute: 500 }));
    const ids = await stage.write(
      Array.from({ length: 600 }, (_, index) => ({
        ...stage.change(`many-${randomUUID()}`),
        at: new Date(stage.now + index).toISOString(),
      })),
    );
    const { round } = await stage.notifier();
    await round();
    expect(stage.http.at('/ok')).toHaveLength(500);
    stage.now += 59 * SECOND_MS;
    await round();
    expect(stage.http.at('/ok')).toHaveLength(500);
    stage.now += SECOND_MS;
    await round();
    const told = stage.http.at('/ok').map(({ headers }) => headers['webhook-id'] ?? '');
    expect(told.toSorted()).toEqual(ids.toSorted());
    // A few are under way at once, so that neighbours may change places.
    for (const [index, id] of told.entries()) expect(Math.abs(ids.indexOf(id) - index)).toBeLessThan(16);
  });

  it('never tells what was silenced, and a new target nothing of the past', async () => {
    await stage.setTargets(stage.hook('/ok', { tenants: ['fabrikam'] }));
    const [other = ''] = await stage.write([stage.change(`other-${randomUUID()}`)]);
    const [silenced = ''] = await stage.write([stage.change(`silent-${randomUUID()}`, { tenantId: 'fabrikam' })], 0);
    const { round } = await stage.notifier();
    await round();
    await stage.setTargets(stage.hook('/ok'), stage.hook('/accepted'));
    await round();
    expect(stage.http.received).toEqual([]);
    expect(await deliveriesOf(stage.system.clickhouse, [other])).toMatchObject([{ targetId: '', outcome: 'unwanted' }]);
    expect(await deliveriesOf(stage.system.clickhouse, [silenced])).toEqual([]);
  });

  it('gives up what waits for a target that is taken away, on record', async () => {
    await stage.setTargets(stage.hook('/500'), stage.hook('/404'));
    const [id = ''] = await stage.write([stage.change(`gone-${randomUUID()}`)]);
    const { round } = await stage.notifier();
    await round();
    await stage.setTargets(stage.hook('/404', { enabled: false }));
    await round();
    await round();
    expect(await stage.attempts(id, '500')).toMatchObject([
      { outcome: 'failed' },
      { attempt: 2, outcome: 'undeliverable', detail: 'the target is there no more', nextAttemptAt: null },
    ]);
    expect((await stage.attempts(id, '404')).at(-1)?.detail).toBe('the target is switched off');
    stage.now += HOUR_MS;
    await round();
    expect(stage.http.received).toHaveLength(2);
  });

  it('tries one target out, and no other hears of it', async () => {
    await stage.setTargets(stage.hook('/ok', { operators: true }), stage.hook('/accepted', { operators: true }));
    const id = await requestTest(stage.system.clickhouse, { targetId: 'accepted', now: stage.now, by: 'ada' });
    await (await stage.notifier()).round();
    expect(stage.http.received.map(({ path }) => path)).toEqual(['/accepted']);
    expect(await stage.attempts(id)).toMatchObject([{ targetId: 'accepted', outcome: 'delivered', status: 202 }]);
  });

  it('refuses a list that was made from an older one', async () => {
    await stage.setTargets(stage.hook('/ok'));
    const [newest] = await targetVersions(stage.system.clickhouse, 1);
    const more = { now: stage.now, by: 'bob', because: '', targets: [] };
    await changeTargets(stage.system.clickhouse, { ...more, replaces: newest?.id ?? null });
    await expect(
      changeTargets(stage.system.clickhouse, { ...more, replaces: newest?.id ?? null }),
    ).rejects.toMatchObject({
      code: 'VERSION_OVERTAKEN',
    });
    expect(await currentTargets(stage.system.clickhouse)).toEqual([]);
  });

  it('runs as a process, and ends when it is told to', async () => {
    await stage.setTargets(stage.hook('/ok'), stage.hook('/hangs'));
    const service = await stage.system.service('notifier/main.ts', {
      ...stage.settings(),
      TALLY_NOTIFIER_PORT: '0',
      TALLY_NOTIFY_POLL_MS: '100',
    });
    const [id = ''] = await stage.write([stage.change(`process-${randomUUID()}`)]);
    await eventually(async () => expect(await stage.attempts(id, 'ok')).toMatchObject([{ outcome: 'delivered' }]));
    expect((await fetch(`${service.url}/health/ready`)).status).toBe(200);
    await eventually(async () =>
      expect(await (await fetch(`${service.url}/metrics`)).text()).toMatch(
        /tally_notifier_waiting{target="hangs",kind="webhook"} 1/,
      ),
    );
    await service.stop();
    await (await stage.notifier()).round();
    expect(stage.http.at('/ok')).toHaveLength(1);
  });

  it('has said and kept no secret in all of this', async () => {
    const { said, kept } = stage;
    expect(said.includes('not delivered')).toBe(true);
    expect(kept.includes('env:TALLY_TARGET_QUERY')).toBe(true);
    expect(kept.includes('nothing at *** for ***')).toBe(true);
    for (const secret of SECRET_TEXTS) {
      expect(kept.includes(secret)).toBe(false);
      expect(said.includes(secret)).toBe(false);
    }
  });
});
