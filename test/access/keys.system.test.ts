/**
 * Keys and sessions as people have them: made, used in every service, expired, revoked, guessed.
 */
import { createHash } from 'node:crypto';
import { newKey, storeKey } from '@tally/access';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, eventually, freshTenant, TestSystem } from '../support/system.ts';
import { tally } from '../support/tally-command.ts';
import { ask, type Got } from './requests.ts';

const REVOKED_EVERYWHERE_MS = 6_000;
const DASHBOARD = { 'x-tally-request': 'dashboard' };

describe('keys and sessions', () => {
  let system: TestSystem;
  let api: string;
  let otherApi: string;
  let gateway: string;
  const tenantId = freshTenant('keys');

  beforeAll(async () => {
    system = await TestSystem.create('keys');
    api = await system.apiUrl();
    otherApi = await system.apiUrl({ TALLY_WRONG_KEYS_PER_MINUTE_MAX: '3' });
    gateway = (await system.service('gateway/main.ts')).url;
  });

  afterAll(() => system.close());

  async function make(of: object): Promise<{ id: string; key: string }> {
    const made = await ask(api, '/v1/keys', { method: 'POST', key: ADMIN_KEY, body: { name: 'a key', ...of } });
    expect(made).toMatchObject({ status: 201, headers: { 'cache-control': 'no-store' } });
    return { id: String(made.body['id']), key: String(made.body['key']) };
  }
  const revoke = (id: string) => ask(api, `/v1/keys/${id}`, { method: 'DELETE', key: ADMIN_KEY });
  const send = (key: string, tenant: string): Promise<Got> =>
    ask(gateway, '/v1/events', {
      method: 'POST',
      key,
      headers: { 'content-type': 'application/cloudevents+json' },
      body: {
        specversion: '1.0',
        type: 'tally.interaction.v1',
        source: '/tests',
        id: `e-${tenant}`,
        time: new Date().toISOString(),
        data: { tenantId: tenant, environmentId: 'prod', entityType: 'contact', entityId: 'c', channel: 'email' },
      },
    });
  const begin = (url: string, key: string, headers = {}) =>
    ask(url, '/v1/session', { method: 'POST', body: { key }, headers });
  const cookieOf = ({ headers }: Got) => String(headers['set-cookie']).split(';', 1)[0] ?? '';

  it('keeps of a key only its hash, and shows it once', async () => {
    const { id, key } = await make({ role: 'viewer' });
    expect(key).toMatch(new RegExp(`^tally_${id}_[A-Za-z0-9_-]{43}$`));
    const rows = JSON.stringify(await system.clickhouse.query('SELECT * FROM api_keys'));
    expect(rows).toContain(createHash('sha256').update(key).digest('hex'));
    expect(rows).not.toContain(key.slice(-43));
    expect((await ask(api, '/v1/keys', { key: ADMIN_KEY })).text).not.toContain(key.slice(-43));
  });

  it('lets a new producer send at once, for its tenants alone, and see nothing', async () => {
    const { key } = await make({ role: 'producer', tenants: [tenantId] });
    expect(await send(key, tenantId)).toMatchObject({ status: 202 });
    expect(await send(key, freshTenant('other'))).toMatchObject({ status: 403, code: 'tenant-forbidden' });
    expect(await send(ADMIN_KEY, tenantId)).toMatchObject({ status: 202 });
    expect(await ask(api, '/v1/tenants', { key })).toMatchObject({ status: 403, code: 'role-forbidden' });
    expect(await begin(api, key)).toMatchObject({ status: 403, code: 'role-forbidden' });
  });

  it.each(['analyst', 'viewer'])('lets no %s send', async (role) => {
    const { key } = await make({ role, tenants: [tenantId] });
    expect(await send(key, tenantId)).toMatchObject({ status: 403, code: 'role-forbidden' });
  });

  it('refuses a revoked key everywhere within seconds, its sessions too, and for good', async () => {
    const { id, key } = await make({ role: 'admin', tenants: [tenantId] });
    const cookie = cookieOf(await begin(otherApi, key));
    expect(await send(key, tenantId)).toMatchObject({ status: 202 });
    expect(await ask(otherApi, '/v1/tenants', { headers: { cookie } })).toMatchObject({ status: 200 });
    expect(await revoke(id)).toMatchObject({ status: 204 });
    expect(await ask(api, '/v1/tenants', { key })).toMatchObject({ status: 401 });
    await eventually(
      async () => expect(await send(key, tenantId)).toMatchObject({ status: 401 }),
      REVOKED_EVERYWHERE_MS,
    );
    const session = () => ask(otherApi, '/v1/session', { headers: { cookie } });
    await eventually(async () => expect(await session()).toMatchObject({ status: 401 }), REVOKED_EVERYWHERE_MS);
    expect(await revoke(id)).toMatchObject({ status: 204 });
    const { body } = await ask(api, '/v1/keys', { key: ADMIN_KEY });
    const listed = (body['keys'] as { id: string }[]).find((one) => one.id === id);
    expect(listed).toMatchObject({
      revokedBy: 'admin',
      revokedAt: expect.any(String),
      lastUsedAt: expect.any(String),
    });
  });

  it('refuses an expired key, and to make one', async () => {
    const { id, key, hash } = newKey();
    const now = Date.now();
    const stored = {
      id,
      hash,
      name: 'expired',
      role: 'admin' as const,
      tenants: [],
      createdAt: now - 2_000,
      createdBy: 'ada',
      expiresAt: now - 1_000,
      revokedAt: null,
      revokedBy: '',
    };
    await storeKey(system.clickhouse, stored, now - 2_000);
    expect(await ask(api, '/v1/tenants', { key })).toMatchObject({
      status: 401,
      body: { detail: 'the key has expired' },
    });
    const body = { name: 'late', role: 'viewer', expiresOn: '2020-01-01' };
    expect(await ask(api, '/v1/keys', { method: 'POST', key: ADMIN_KEY, body })).toMatchObject({ status: 400 });
  });

  it('refuses what is nearly a key', async () => {
    const { id, key } = await make({ role: 'admin' });
    const last = key.endsWith('A') ? 'E' : 'A';
    const wrong = [
      key.slice(0, -1),
      `${key}A`,
      `${key.slice(0, -1)}${last}`,
      key.toUpperCase(),
      `tally_${id}_`,
      `tally_${'0'.repeat(16)}_${key.slice(-43)}`,
      createHash('sha256').update(key).digest('hex'),
      `${ADMIN_KEY}x`,
      'null',
    ];
    for (const one of wrong) {
      expect(await ask(api, '/v1/tenants', { key: one }), one).toMatchObject({ status: 401, code: 'unauthorized' });
    }
    for (const authorization of ['', 'Bearer', `Basic ${key}`, key, `Bearer ${key}, Bearer ${key}`]) {
      expect(await ask(api, '/v1/tenants', { headers: { authorization } })).toMatchObject({ status: 401 });
    }
    expect(await ask(api, '/v1/tenants', { key })).toMatchObject({ status: 200 });
  });

  it('makes keys within an admin’s tenants alone, and shows it no others', async () => {
    const { key } = await make({ role: 'admin', tenants: [tenantId] });
    const foreign = await make({ role: 'viewer', tenants: [tenantId, 'contoso'] });
    const body = (tenants: string[]) => ({ method: 'POST', key, body: { name: 'k', role: 'admin', tenants } });
    expect(await ask(api, '/v1/keys', body([tenantId]))).toMatchObject({ status: 201 });
    for (const tenants of [[], ['contoso'], [tenantId, 'contoso']]) {
      expect(await ask(api, '/v1/keys', body(tenants))).toMatchObject({ status: 403, code: 'tenant-forbidden' });
    }
    expect((await ask(api, '/v1/keys', { key })).text).not.toContain(foreign.id);
    const gone = await ask(api, `/v1/keys/${foreign.id}`, { method: 'DELETE', key });
    const absent = await ask(api, `/v1/keys/${'0'.repeat(16)}`, { method: 'DELETE', key });
    expect(gone).toMatchObject({ status: 404, code: absent.code });
  });

  it('makes, lists and revokes keys by command', async () => {
    const where = ['--api', api, '--key', ADMIN_KEY];
    const made = await tally(
      'keys',
      'create',
      '--name',
      'by command',
      '--role',
      'viewer',
      '--tenant',
      tenantId,
      ...where,
    );
    const [key = ''] = made.stdout.split('\n');
    expect(await ask(api, `/v1/tenants/${tenantId}/quota`, { key })).toMatchObject({ status: 200 });
    const id = key.slice(6, 22);
    const listed = await tally('keys', 'list', ...where);
    expect(listed.stdout).toContain(id);
    expect(listed.stdout).not.toContain(key.slice(-43));
    expect(await tally('keys', 'revoke', id, ...where)).toMatchObject({ exitCode: 0 });
    expect(await ask(api, `/v1/tenants/${tenantId}/quota`, { key })).toMatchObject({ status: 401 });
    const refused = await tally('keys', 'revoke', '0'.repeat(16), ...where);
    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('[key-unknown]') });
  });

  it('begins a session that says who it is, and ends it', async () => {
    const { key } = await make({ role: 'viewer', tenants: [tenantId] });
    const begun = await begin(api, key);
    expect(begun).toMatchObject({ status: 200, body: { role: 'viewer', tenants: [tenantId], name: 'a key' } });
    const set = String(begun.headers['set-cookie']);
    expect(set).toMatch(/^tally_session=[A-Za-z0-9_-]{43}; /);
    for (const part of ['HttpOnly', 'SameSite=Strict', 'Path=/', 'Expires=']) expect(set).toContain(part);
    expect(set).not.toContain('Secure');
    const expires = Date.parse(String(begun.body['expiresAt']));
    expect(Math.abs(expires - Date.now() - 12 * 3_600_000)).toBeLessThan(60_000);
    const cookie = cookieOf(begun);
    const headers = { cookie: `theme=dark; ${cookie}` };
    expect(await ask(api, '/v1/session', { headers })).toMatchObject({ status: 200, body: begun.body });
    expect(await ask(api, `/v1/tenants/${tenantId}/quota`, { headers })).toMatchObject({ status: 200 });
    expect(await ask(api, '/v1/tenants/contoso/quota', { headers })).toMatchObject({ status: 403 });
    const stored = JSON.stringify(await system.clickhouse.query('SELECT * FROM sessions'));
    expect(stored).not.toContain(cookie.split('=')[1]);

    const own = { ...headers, ...DASHBOARD, origin: api };
    const ended = await ask(api, '/v1/session', { method: 'DELETE', headers: own });
    expect(ended).toMatchObject({ status: 204 });
    expect(String(ended.headers['set-cookie'])).toContain('Expires=Thu, 01 Jan 1970');
    expect(await ask(api, '/v1/session', { headers })).toMatchObject({ status: 401 });
  });

  it('refuses a change by cookie that another site could have sent', async () => {
    const cookie = cookieOf(await begin(api, ADMIN_KEY));
    const change = (headers: Record<string, string>) =>
      ask(api, `/v1/tenants/${tenantId}/licences`, {
        method: 'PUT',
        headers: { cookie, ...headers },
        body: { licences: [] },
      });
    const refused: Record<string, string>[] = [
      {},
      DASHBOARD,
      { origin: api },
      { ...DASHBOARD, origin: 'http://evil.example' },
      { ...DASHBOARD, origin: 'null' },
      { ...DASHBOARD, origin: api.replace(/\d+$/, '1') },
      { 'x-tally-request': 'other', origin: api },
    ];
    for (const headers of refused) {
      expect(await change(headers)).toMatchObject({ status: 403, code: 'foreign-origin' });
    }
    expect(await change({ ...DASHBOARD, origin: api })).toMatchObject({ status: 200 });
    expect(await begin(api, ADMIN_KEY, { origin: 'http://evil.example' })).toMatchObject({ status: 403 });
  });

  it('sends the cookie over TLS alone where that is how browsers come', async () => {
    const behindProxy = await system.apiUrl({ TALLY_API_PUBLIC_URL: 'https://tally.example/' });
    const begun = await begin(behindProxy, ADMIN_KEY, { origin: 'https://tally.example' });
    expect(String(begun.headers['set-cookie'])).toContain('; Secure');
  });

  it('lets nobody guess, and keeps nobody with a right key out meanwhile', async () => {
    const guess = () => ask(otherApi, '/v1/tenants', { key: newKey().key });
    await eventually(async () => expect(await guess()).toMatchObject({ status: 429 }));
    const refused = await begin(otherApi, 'a wrong key of many letters');
    expect(refused).toMatchObject({ status: 429, code: 'too-many-wrong-keys' });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(await ask(otherApi, '/v1/tenants', { key: ADMIN_KEY })).toMatchObject({ status: 200 });
  });
});
