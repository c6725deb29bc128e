/**
 * Alerts told to real receivers, on the real ClickHouse and Kafka. Time is a clock that the tests set; only receivers that
 * do not answer make them wait.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { AlertChange } from '@tally/alerts';
import {
  alertTargets,
  changeTargets,
  createNotifier,
  currentTargets,
  type Delivery,
  deliveriesOf,
  notifierConfig,
  type RunningNotifier,
  requestTest,
  type StartOptions,
  targetVersions,
} from '@tally/notifier';
import { dateTime64 } from '@tally/platform/clickhouse';
import { parseConfig } from '@tally/platform/config';
import { createRegistry } from '@tally/platform/http';
import { readTopic, type StoredRecord } from '@tally/platform/kafka';
import { pino } from 'pino';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { closedPort, type HttpReceiver, httpReceiver, type SmtpReceiver, smtpReceiver } from '../support/receivers.ts';
import { eventually, TestSystem } from '../support/system.ts';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600 * SECOND_MS;
/** How long a receiver may take in these tests. */
const ANSWER_MS = 2_500;
const SMTP_LOGIN = { user: 'tally', password: 'smtp-secret-word' };
const SECRETS = { old: newSecret(), fresh: newSecret() };
const CHAT_TOKEN = 'chat-secret-token';
const QUERY_TOKEN = 'query-secret';

function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

describe('the notifier', () => {
  let system: TestSystem;
  let http: HttpReceiver;
  let smtp: SmtpReceiver;
  let dir: string;
  let now: number;
  const lines: string[] = [];
  const sink = new Writable({
    write: (line, _, done) => {
      lines.push(String(line));
      done();
    },
  });
  const log = pino({ level: 'trace' }, sink);
  /** All that ever was in the tables. */
  let kept = '';
  const running: RunningNotifier[] = [];

  beforeAll(async () => {
    system = await TestSystem.create('notifier');
    http = await httpReceiver();
    smtp = await smtpReceiver(SMTP_LOGIN);
    dir = mkdtempSync(join(tmpdir(), 'tally-notifier-'));
    writeFileSync(join(dir, 'ca.pem'), smtp.ca);
    writeFileSync(join(dir, 'hook-secret'), `${SECRETS.fresh}\n`);
  });

  beforeEach(() => {
    now = Date.now();
    http.received.length = 0;
    smtp.mails.length = 0;
  });

  afterEach(async () => {
    for (const one of running.splice(0)) await one.stop();
    for (const table of ['alert_targets', 'alert_deliveries', 'alert_changes']) {
      kept += JSON.stringify(await system.clickhouse.query(`SELECT * FROM ${table}`));
      await system.clickhouse.command(`TRUNCATE TABLE ${table}`);
    }
  });

  afterAll(async () => {
    await http.close();
    await smtp.close();
    await system.close();
    rmSync(dir, { recursive: true, force: true });
  });

  /** What a notifier is configured with. */
  const settings = (): Record<string, string> => ({
    ...system.env,
    TALLY_NOTIFY_PRIVATE_NETWORKS: '127.0.0.0/8',
    TALLY_NOTIFY_ANSWER_MS: String(ANSWER_MS),
    TALLY_NOTIFY_SECRETS_DIR: dir,
    TALLY_SMTP_HOST: 'localhost',
    TALLY_SMTP_PORT: String(smtp.port),
    TALLY_SMTP_USER: SMTP_LOGIN.user,
    TALLY_SMTP_PASSWORD: SMTP_LOGIN.password,
    TALLY_SMTP_FROM: 'tally@tally.example',
    TALLY_SMTP_CA_FILE: join(dir, 'ca.pem'),
    TALLY_TARGET_OLD: SECRETS.old,
    TALLY_TARGET_CHAT: `${http.url}/accepted?key=${CHAT_TOKEN}`,
    TALLY_TARGET_QUERY: `${http.url}/echoes?token=${QUERY_TOKEN}`,
  });

  const notifier = async (env: Record<string, string> = {}, more: Partial<StartOptions> = {}) => {
    const config = parseConfig(notifierConfig, { ...settings(), ...env });
    const registry = createRegistry();
    const options = { config, env: { ...settings(), ...env }, registry, log, clock: () => now, random: () => 0.5 };
    const one = await createNotifier({ ...options, ...more });
    running.push(one);
    /** Looks once, and waits for all that is under way. */
    const round = async (): Promise<void> => {
      await one.notifier.tick();
      await one.notifier.settled();
    };
    return { ...one, registry, round };
  };

  const setTargets = (...targets: object[]) =>
    changeTargets(system.clickhouse, { now, by: 'ada', because: 'a test', targets: alertTargets.parse(targets) });
  const hook = (path: string, more: object = {}) => ({
    id: path.slice(1),
    kind: 'webhook',
    address: `${http.url}${path}`,
    secrets: ['env:TALLY_TARGET_OLD', 'file:hook-secret'],
    ...more,
  });

  const change = (id: string, alert: Partial<AlertChange['alert']> = {}): AlertChange => ({
    id,
    change: 'opened',
    at: new Date(now).toISOString(),
    alert: {
      id: `alert-${id}`,
      tenantId: 'contoso',
      rule: 'quota-share',
      subject: 'interactions',
      period: '2026-11',
      state: 'open',
      severity: 'warning',
      highestSeverity: 'warning',
      openedAt: new Date(now).toISOString(),
      resolvedAt: null,
      value: 91,
      threshold: 90,
      unit: 'percent',
      title: 'contoso has used 91 % of <b>its</b> interactions',
      detail: 'At this rate the month ends over its quota.',
      figures: { owned: 100 },
      ...alert,
    },
  });

  /** Puts changes into the outbox; the ids. */
  const write = async (changes: readonly AlertChange[], told = 1): Promise<string[]> => {
    await system.clickhouse.insert(
      'alert_changes',
      changes.map((one) => ({
        change_id: one.id,
        alert_id: one.alert.id,
        tenant_id: one.alert.tenantId ?? '',
        at: dateTime64(Date.parse(one.at)),
        document: JSON.stringify(one),
        told,
      })),
    );
    return changes.map(({ id }) => id);
  };

  /** The rows of a change at a target, attempts only. */
  const attempts = async (changeId: string, targetId?: string): Promise<Delivery[]> =>
    (await deliveriesOf(system.clickhouse, [changeId])).filter(
      (row) => row.attempt > 0 && (targetId === undefined || row.targetId === targetId),
    );

  it('does with each receiver what its answer says, and none waits for another', async () => {
    const paths =
      '/ok /hangs /resets /500 /404 /410 /429 /503 /redirects /redirects-away /cut-headers /cut-200 /cut-500 /drips-headers /drips-body /endless-500 /not-http';
    await setTargets(
      hook('/hangs', { id: 'a-hangs' }),
      ...paths.split(' ').map((path) => hook(path)),
      hook('/', { id: 'refuses', address: `http://127.0.0.1:${await closedPort()}/` }),
      hook('/', { id: 'no-such-name', address: 'http://receiver.invalid/' }),
      hook('/', { id: 'query', address: 'env:TALLY_TARGET_QUERY' }),
      hook('/', { id: 'no-secret', secrets: ['file:nowhere'] }),
    );
    const id = `behaviours-${randomUUID()}`;
    await write([change(id)]);
    const { round, registry } = await notifier();
    await round();

    const rows = Object.fromEntries((await attempts(id)).map((row) => [row.targetId, row]));
    const failed = (status: number, detail: string, afterMs = 5 * SECOND_MS) => ({
      outcome: 'failed',
      status,
      attempt: 1,
      detail: expect.stringContaining(detail),
      nextAttemptAt: expect.toSatisfy(
        (at: number) => Math.abs(at - now - afterMs) <= Math.max(SECOND_MS, afterMs / 20),
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
    expect(http.at('/ok')).toHaveLength(1);
    // While the first of the list was still being waited for.
    expect((http.at('/ok')[0]?.at ?? Number.NaN) - (http.at('/hangs')[0]?.at ?? Number.NaN)).toBeLessThan(ANSWER_MS);
    expect(await registry.metrics()).toMatch(/tally_notifier_attempts_total{kind="webhook",outcome="delivered"} 3/);

    // The receiver that wants nothing more is off, on record, and hears of nothing else.
    const [newest] = await targetVersions(system.clickhouse, 1);
    expect(newest).toMatchObject({ changedBy: 'notifier', because: 'answered 410: moved away' });
    expect(newest?.targets.filter(({ enabled }) => !enabled)).toMatchObject([{ id: '410' }]);
    const [second = ''] = await write([change(`after-410-${randomUUID()}`)]);
    await round();
    expect((await deliveriesOf(system.clickhouse, [second])).map(({ targetId }) => targetId)).not.toContain('410');
    expect(http.at('/410')).toHaveLength(1);
    // The one that asked for two minutes is left alone until then, also with what is new.
    expect(http.at('/429')).toHaveLength(1);
  });

  it('tries again with the same id after growing waits, and gives up after 24 hours', async () => {
    await setTargets(hook('/500'));
    const id = `day-${randomUUID()}`;
    await write([change(id)]);
    const { round } = await notifier();
    const planned = now;
    await round();
    for (let turn = 0; turn < 30; turn++) {
      const last = (await attempts(id)).at(-1);
      if (!last || last.nextAttemptAt === null) break;
      now = last.nextAttemptAt - 1;
      await round();
      now++;
      await round();
    }
    const rows = await attempts(id);
    expect(rows.map(({ attempt }) => attempt)).toEqual(rows.map((_, index) => index + 1));
    expect(rows.map(({ outcome }) => outcome)).toEqual([...rows.slice(1).map(() => 'failed'), 'undeliverable']);
    expect(rows.at(-1)).toMatchObject({ at: planned + 24 * HOUR_MS, nextAttemptAt: null });
    expect(rows.at(-1)?.detail).toMatch(/^given up after 24 hours; last: answered 500/);
    expect(rows.slice(0, 4).map(({ at }) => at - planned)).toEqual([0, 5_000, 35_000, 155_000]);
    expect(rows.length).toBeGreaterThan(10);

    const hits = http.at('/500');
    expect(hits.map(({ headers }) => headers['webhook-id'])).toEqual(rows.map(() => id));
    expect(new Set(hits.map(({ body }) => body)).size).toBe(1);
    expect(new Set(hits.map(({ headers }) => headers['webhook-timestamp'])).size).toBe(hits.length);
    now += 48 * HOUR_MS;
    await round();
    expect(http.at('/500')).toHaveLength(rows.length);
  });

  it('signs so that the standard’s library verifies it, with the old secret and the new one', async () => {
    await setTargets(hook('/ok'));
    const told = change(`signed-${randomUUID()}`);
    await write([told]);
    await (await notifier()).round();
    const [hit] = http.at('/ok');
    for (const secret of Object.values(SECRETS)) {
      expect(new Webhook(secret).verify(hit?.body ?? '', hit?.headers ?? {})).toMatchObject({ data: told });
    }
    expect(() => new Webhook(newSecret()).verify(hit?.body ?? '', hit?.headers ?? {})).toThrow();
  });

  it('writes e-mails that can be read, over TLS, with a Message-ID that stays the same', async () => {
    await setTargets({ id: 'mail', kind: 'email', address: 'ops@customer.example' });
    const told = change(`mail-${randomUUID()}`);
    smtp.putOff = 1;
    await write([told]);
    const { round } = await notifier();
    await round();
    expect(await attempts(told.id)).toMatchObject([{ outcome: 'failed', status: 451 }]);
    now += 6 * SECOND_MS;
    await round();
    expect(await attempts(told.id)).toMatchObject([{ outcome: 'failed' }, { outcome: 'delivered', status: 250 }]);
    const [mail] = smtp.mails;
    expect(mail).toMatchObject({
      recipients: ['ops@customer.example'],
      secure: true,
      user: 'tally',
      messageId: `<${told.id}@tally.example>`,
      references: `<alert.${told.alert.id}@tally.example>`,
      subject: '[warning] New: contoso has used 91 % of <b>its</b> interactions',
      from: { text: 'tally@tally.example' },
    });
    expect(mail?.text).toContain('At this rate the month ends over its quota.');
    expect(mail?.html).toContain('contoso has used 91 % of &lt;b&gt;its&lt;/b&gt; interactions');
    expect(mail?.headers.get('auto-submitted')).toBe('auto-generated');
    expect(mail?.headers.get('list')).toMatchObject({ id: { id: 'alerts.tally.tally.example' } });
  });

  it.each([
    ['a certificate that nobody vouches for', { TALLY_SMTP_CA_FILE: '' }, 'self-signed certificate'],
    ['another password', { TALLY_SMTP_PASSWORD: 'wrong-secret-word' }, 'Invalid login'],
    ['no server at all', { TALLY_SMTP_HOST: '' }, 'TALLY_SMTP_HOST is not set'],
  ])('keeps e-mails for later with %s', async (_, env, detail) => {
    await setTargets({ id: 'mail', kind: 'email', address: 'ops@customer.example' });
    const [id = ''] = await write([change(`unsent-${randomUUID()}`)]);
    await (await notifier(env)).round();
    expect(await attempts(id)).toMatchObject([{ outcome: 'failed', detail: expect.stringContaining(detail) }]);
    expect((await attempts(id))[0]?.detail).not.toContain('secret-word');
    expect(smtp.mails).toEqual([]);
  });

  it('tells no password to a mail server without TLS', async () => {
    const plain = await smtpReceiver(SMTP_LOGIN, { plain: true });
    await setTargets({ id: 'mail', kind: 'email', address: 'ops@customer.example' });
    const [id = ''] = await write([change(`plain-${randomUUID()}`)]);
    await (await notifier({ TALLY_SMTP_PORT: String(plain.port) })).round();
    expect(await attempts(id)).toMatchObject([{ outcome: 'failed', detail: expect.stringContaining('ETLS') }]);
    expect(plain).toMatchObject({ logins: 0, mails: [] });
    await plain.close();
  });

  it('writes to the topic and to chats', async () => {
    await setTargets(
      { id: 'kafka', kind: 'kafka', operators: true },
      { id: 'chat', kind: 'chat', address: 'env:TALLY_TARGET_CHAT' },
    );
    const told = [
      change(`t-${randomUUID()}`),
      change(`o-${randomUUID()}`, { tenantId: null, subject: 'consumer-lag' }),
    ];
    await write(told);
    await (await notifier()).round();
    // Kafka may not know yet who looks after a new group.
    const records = await eventually(async () => {
      const read: StoredRecord[] = [];
      await readTopic(system, system.topics.alerts, (record) => {
        read.push(record);
      });
      return read;
    });
    const found = records.map(({ key, value, headers }) => [
      key?.toString(),
      value?.toString(),
      String(headers['id'] ?? ''),
    ]);
    expect(found).toHaveLength(2);
    expect(found).toContainEqual(['contoso/interactions', JSON.stringify(told[0]), told[0]?.id]);
    expect(found).toContainEqual(['operators/consumer-lag', JSON.stringify(told[1]), told[1]?.id]);
    expect(http.at('/accepted').map(({ body }) => JSON.parse(body))).toEqual([
      { text: expect.stringContaining('contoso has used 91 % of &lt;b&gt;its&lt;/b&gt; interactions') },
    ]);
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
    await setTargets(hook('/ok', { address: address(http.port) }));
    const [id = ''] = await write([change(`private-${randomUUID()}`)]);
    await (await notifier({ TALLY_NOTIFY_PRIVATE_NETWORKS: '10.0.0.0/8' })).round();
    expect(await attempts(id)).toMatchObject([{ outcome: 'refused', detail: expect.stringContaining(detail) }]);
    expect(http.received).toEqual([]);
  });

  it('goes on where another was cut off: what was sent and not recorded is sent again, with the same id', async () => {
    await setTargets(hook('/ok'));
    const [first = '', second = ''] = await write([change(`a-${randomUUID()}`), change(`b-${randomUUID()}`)]);
    const never = new Promise<void>(() => undefined);
    const frozen = await notifier({}, { checkpoint: (place) => (place === 'sent' ? never : Promise.resolve()) });
    await frozen.notifier.tick();
    await eventually(async () => expect(http.at('/ok')).toHaveLength(2));
    await frozen.notifier.stop(0);
    running.pop();
    expect(await attempts(first)).toEqual([]);

    await (await notifier()).round();
    const ids = http.at('/ok').map(({ headers }) => headers['webhook-id']);
    expect(ids.toSorted()).toEqual([first, first, second, second].toSorted());
    expect(await attempts(first)).toMatchObject([{ attempt: 1, outcome: 'delivered' }]);
    await (await notifier()).round();
    expect(http.at('/ok')).toHaveLength(4);
  });

  it('tells each of many changes once, in their order, page after page, at the rate that is allowed', async () => {
    await setTargets(hook('/ok', { perMinute: 500 }));
    const ids = await write(
      Array.from({ length: 600 }, (_, index) => ({
        ...change(`many-${randomUUID()}`),
        at: new Date(now + index).toISOString(),
      })),
    );
    const { round } = await notifier();
    await round();
    expect(http.at('/ok')).toHaveLength(500);
    now += 59 * SECOND_MS;
    await round();
    expect(http.at('/ok')).toHaveLength(500);
    now += SECOND_MS;
    await round();
    const told = http.at('/ok').map(({ headers }) => headers['webhook-id'] ?? '');
    expect(told.toSorted()).toEqual(ids.toSorted());
    // A few are under way at once, so that neighbours may change places.
    for (const [index, id] of told.entries()) expect(Math.abs(ids.indexOf(id) - index)).toBeLessThan(16);
  });

  it('never tells what was silenced, and a new target nothing of the past', async () => {
    await setTargets(hook('/ok', { tenants: ['fabrikam'] }));
    const [other = ''] = await write([change(`other-${randomUUID()}`)]);
    const [silenced = ''] = await write([change(`silent-${randomUUID()}`, { tenantId: 'fabrikam' })], 0);
    const { round } = await notifier();
    await round();
    await setTargets(hook('/ok'), hook('/accepted'));
    await round();
    expect(http.received).toEqual([]);
    expect(await deliveriesOf(system.clickhouse, [other])).toMatchObject([{ targetId: '', outcome: 'unwanted' }]);
    expect(await deliveriesOf(system.clickhouse, [silenced])).toEqual([]);
  });

  it('gives up what waits for a target that is taken away, on record', async () => {
    await setTargets(hook('/500'), hook('/404'));
    const [id = ''] = await write([change(`gone-${randomUUID()}`)]);
    const { round } = await notifier();
    await round();
    await setTargets(hook('/404', { enabled: false }));
    await round();
    await round();
    expect(await attempts(id, '500')).toMatchObject([
      { outcome: 'failed' },
      { attempt: 2, outcome: 'undeliverable', detail: 'the target is there no more', nextAttemptAt: null },
    ]);
    expect((await attempts(id, '404')).at(-1)?.detail).toBe('the target is switched off');
    now += HOUR_MS;
    await round();
    expect(http.received).toHaveLength(2);
  });

  it('tries one target out, and no other hears of it', async () => {
    await setTargets(hook('/ok', { operators: true }), hook('/accepted', { operators: true }));
    const id = await requestTest(system.clickhouse, { targetId: 'accepted', now, by: 'ada' });
    await (await notifier()).round();
    expect(http.received.map(({ path }) => path)).toEqual(['/accepted']);
    expect(await attempts(id)).toMatchObject([{ targetId: 'accepted', outcome: 'delivered', status: 202 }]);
  });

  it('refuses a list that was made from an older one', async () => {
    await setTargets(hook('/ok'));
    const [newest] = await targetVersions(system.clickhouse, 1);
    const more = { now, by: 'bob', because: '', targets: [] };
    await changeTargets(system.clickhouse, { ...more, replaces: newest?.id ?? null });
    await expect(changeTargets(system.clickhouse, { ...more, replaces: newest?.id ?? null })).rejects.toMatchObject({
      code: 'VERSION_OVERTAKEN',
    });
    expect(await currentTargets(system.clickhouse)).toEqual([]);
  });

  it('runs as a process, and ends when it is told to', async () => {
    await setTargets(hook('/ok'), hook('/hangs'));
    const service = await system.service('notifier/main.ts', {
      ...settings(),
      TALLY_NOTIFIER_PORT: '0',
      TALLY_NOTIFY_POLL_MS: '100',
    });
    const [id = ''] = await write([change(`process-${randomUUID()}`)]);
    await eventually(async () => expect(await attempts(id, 'ok')).toMatchObject([{ outcome: 'delivered' }]));
    expect((await fetch(`${service.url}/health/ready`)).status).toBe(200);
    await eventually(async () =>
      expect(await (await fetch(`${service.url}/metrics`)).text()).toMatch(
        /tally_notifier_waiting{target="hangs",kind="webhook"} 1/,
      ),
    );
    await service.stop();
    await (await notifier()).round();
    expect(http.at('/ok')).toHaveLength(1);
  });

  it('has said and kept no secret in all of this', async () => {
    const said = lines.join('');
    expect(said.includes('not delivered')).toBe(true);
    expect(kept.includes('env:TALLY_TARGET_QUERY')).toBe(true);
    expect(kept.includes('nothing at *** for ***')).toBe(true);
    for (const secret of [...Object.values(SECRETS), SMTP_LOGIN.password, CHAT_TOKEN, QUERY_TOKEN]) {
      expect(kept.includes(secret)).toBe(false);
      expect(said.includes(secret)).toBe(false);
    }
  });
});
