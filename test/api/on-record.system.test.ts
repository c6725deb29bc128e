/**
 * What is noted of requests: ids in answers, in the log and on record; a line in the log that tells nothing it should not;
 * log-ins, those that fail too.
 */
import { Writable } from 'node:stream';
import { newKey } from '@tally/access';
import { apiConfig, createApi } from '@tally/api';
import { parseConfig } from '@tally/platform/config';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, type Got } from '../access/requests.ts';
import { ADMIN_KEY, eventually, freshTenant, TestSystem } from '../support/system.ts';

type Line = Record<string, unknown>;

describe('of every request', () => {
  let system: TestSystem;
  let url: string;
  let written = '';
  let close: () => Promise<void>;
  const tenantId = freshTenant('noted');

  beforeAll(async () => {
    system = await TestSystem.create('on_record');
    const sink = new Writable({
      write(chunk, _encoding, done) {
        written += String(chunk);
        done();
      },
    });
    const config = parseConfig(apiConfig, { ...system.env, TALLY_WRONG_KEYS_PER_MINUTE_MAX: '5' });
    const api = createApi({ config, log: pino({ level: 'info' }, sink) });
    url = await api.app.listen({ host: '127.0.0.1', port: 0 });
    close = async () => {
      await api.app.close();
      await api.close();
    };
  });

  afterAll(async () => {
    await close();
    await system.close();
  });

  const lines = (id: string): Line[] =>
    written
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line)
      .filter(({ reqId }) => reqId === id);
  const lineOf = (got: Got): Promise<Line> =>
    eventually(async () => {
      const found = lines(String(got.headers['x-request-id']));
      expect(found).toHaveLength(1);
      return found[0] ?? {};
    });
  const makeKey = async (of: object): Promise<{ id: string; key: string }> => {
    const { body } = await ask(url, '/v1/keys', { method: 'POST', key: ADMIN_KEY, body: { name: 'k', ...of } });
    return { id: String(body['id']), key: String(body['key']) };
  };

  describe('the id', () => {
    it.each(['abc', 'Root=1-67891233-abcdef012345678912345678', 'a'.repeat(64), '4bf92f35-77b3-4da6'])(
      'is the one that its sender gave: %s',
      async (id) => {
        const headers = { 'x-request-id': id };
        expect((await ask(url, '/v1/tenants', { key: ADMIN_KEY, headers })).headers['x-request-id']).toBe(id);
        const refused = await ask(url, '/v1/tenants', { headers });
        expect(refused).toMatchObject({ status: 401, body: { requestId: id }, headers: { 'x-request-id': id } });
        expect(lines(id).length).toBeGreaterThan(0);
      },
    );

    it.each(['', 'a'.repeat(65), 'a b', '-a', 'ä', '{"a":1}', '<script>', 'a\tb', '../..', 'a,b'])(
      'is a new one where the sender’s is not one: %j',
      async (id) => {
        const got = await ask(url, '/v1/tenants', { headers: { 'x-request-id': id } });
        expect(got.headers['x-request-id']).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
        expect(got.body['requestId']).toBe(got.headers['x-request-id']);
      },
    );
  });

  describe('the log', () => {
    it('has one line, with the caller’s id and the route, and nothing that was sent', async () => {
      const { id, key } = await makeKey({ role: 'viewer', tenants: [tenantId] });
      const path = `/v1/tenants/${tenantId}/interactions?from=2026-01&to=2026-03&note=grace@example.com`;
      const line = await lineOf(await ask(url, path, { key, headers: { 'user-agent': 'secret-agent' } }));
      expect(line).toMatchObject({
        level: 30,
        msg: 'request done',
        method: 'GET',
        route: '/v1/tenants/:tenantId/interactions',
        status: '200',
        caller: `key:${id}`,
        durationMs: expect.any(Number),
      });
      expect(Object.keys(line).sort()).toEqual(
        [
          'caller',
          'durationMs',
          'hostname',
          'level',
          'method',
          'msg',
          'pid',
          'reqId',
          'route',
          'status',
          'time',
        ].sort(),
      );
      expect(written).not.toMatch(/grace|secret-agent/);
      expect(written).not.toContain(key.slice(-43));
      expect(written).not.toContain(ADMIN_KEY);
    });

    it('says why a request was refused, and knows a session from its key', async () => {
      const { key } = await makeKey({ role: 'viewer' });
      expect(await lineOf(await ask(url, '/v1/ledger', { key }))).toMatchObject({
        status: '403',
        code: 'role-forbidden',
      });
      expect(await lineOf(await ask(url, '/v1/%ff'))).toMatchObject({ status: '400', code: 'invalid-url' });
      const begun = await ask(url, '/v1/session', { method: 'POST', body: { key } });
      const cookie = String(begun.headers['set-cookie']).split(';', 1)[0] ?? '';
      const line = await lineOf(await ask(url, '/v1/tenants', { headers: { cookie } }));
      expect(line['caller']).toMatch(/^session:[0-9a-f]{16}$/);
      expect(written).not.toContain(cookie.split('=')[1]);
    });

    it('has no line of probes', async () => {
      const got = await ask(url, '/health/live');
      await lineOf(await ask(url, '/v1/tenants', { key: ADMIN_KEY }));
      expect(lines(String(got.headers['x-request-id']))).toEqual([]);
    });
  });

  describe('the record', () => {
    const recorded = async (): Promise<Line[]> =>
      (await ask(url, '/v1/audit?limit=100', { key: ADMIN_KEY })).body['records'] as Line[];
    const logIn = (key: string, id: string) =>
      ask(url, '/v1/session', { method: 'POST', body: { key }, headers: { 'x-request-id': id } });
    const recordOf = (id: string): Promise<Line> =>
      eventually(async () => {
        const found = (await recorded()).filter(({ requestId }) => requestId === id);
        expect(found.map(({ status }) => status !== 0)).toEqual([true]);
        return found[0] ?? {};
      });

    it('has log-ins and log-outs, with who and from where', async () => {
      const { id, key } = await makeKey({ role: 'viewer', tenants: [tenantId] });
      const begun = await logIn(key, 'log-in-1');
      const cookie = String(begun.headers['set-cookie']).split(';', 1)[0] ?? '';
      expect(await recordOf('log-in-1')).toMatchObject({
        ...{ method: 'POST', route: '/v1/session', status: 200, address: '127.0.0.1', tenantId: '' },
        ...{ who: 'k', keyId: id, role: 'viewer', via: 'key' },
      });
      const headers = { cookie, origin: url, 'x-tally-request': 'dashboard', 'x-request-id': 'log-out-1' };
      expect(await ask(url, '/v1/session', { method: 'DELETE', headers })).toMatchObject({ status: 204 });
      expect(await recordOf('log-out-1')).toMatchObject({ method: 'DELETE', status: 204, via: 'session', keyId: id });
    });

    it('has log-ins that fail, without the wrong key', async () => {
      const { id, key } = newKey();
      expect(await logIn(key, 'failed-1')).toMatchObject({ status: 401 });
      expect(await recordOf('failed-1')).toMatchObject({ status: 401, who: '', role: '', keyId: id, via: 'key' });
      const producer = await makeKey({ role: 'producer' });
      expect(await logIn(producer.key, 'failed-2')).toMatchObject({ status: 403 });
      expect(await recordOf('failed-2')).toMatchObject({ status: 403, role: 'producer', keyId: producer.id });
      const rows = JSON.stringify(await system.clickhouse.query('SELECT * FROM audit'));
      expect(rows).not.toContain(key.slice(-43));
    });

    it('cannot be filled by guessing', async () => {
      await eventually(async () => expect(await logIn('guess', 'guess-1')).toMatchObject({ status: 429 }));
      for (let count = 0; count < 10; count++) await logIn('guess', 'guess-2');
      // Those that are refused are noted without waiting, so one that is noted for certain comes after them.
      await logIn(ADMIN_KEY, 'after-guesses');
      await recordOf('after-guesses');
      const names = (await recorded()).map(({ requestId }) => requestId);
      expect(names).toContain('guess-1');
      expect(names).not.toContain('guess-2');
    });

    it('keeps two requests apart whose sender gave them one id', async () => {
      const path = `/v1/tenants/${tenantId}/licences`;
      const change = { method: 'PUT', key: ADMIN_KEY, headers: { 'x-request-id': 'twice' }, body: { licences: [] } };
      await Promise.all([1, 2, 3].map(() => ask(url, path, change)));
      await eventually(async () => {
        const twice = (await recorded()).filter(({ requestId }) => requestId === 'twice');
        expect(twice).toHaveLength(3);
        expect(new Set(twice.map(({ id }) => id)).size).toBe(3);
      });
    });
  });
});
