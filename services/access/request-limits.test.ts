import { createHttpServer, type FastifyInstance, Registry } from '@tally/platform/http';
import { createLog } from '@tally/platform/log';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Authenticator } from './authenticator.ts';
import { guard } from './guard.ts';
import { KeyBook } from './key-book.ts';
import { networkOf, RequestLimits } from './request-limits.ts';
import type { AccessRules } from './rules.ts';

const ADMIN_KEY = 'admin-key-of-the-tests';
const RULES: AccessRules = {
  'GET /health/live': { anyone: 'probes', unlimited: true },
  'GET /health/ready': { anyone: 'probes', unlimited: true },
  'GET /metrics': { anyone: 'probes', unlimited: true },
  'GET /*': { anyone: 'files' },
  'GET /v1/figures': { roles: ['admin'], tenant: 'none' },
};

function server(): FastifyInstance {
  const keys = new KeyBook({ adminKey: ADMIN_KEY, clock: Date.now });
  const holder = { role: 'admin', scope: '*', keyId: '', via: 'token', expiresAt: null } as const;
  const verifyToken = async (name: string) => ({ ok: true, caller: { ...holder, name } }) as const;
  const app = createHttpServer({
    log: createLog('test', 'silent'),
    registry: new Registry(),
    ready: async () => ({ ok: true, detail: '' }),
    bodyBytesMax: 1_024,
    requestTimeoutMs: 1_000,
    beforeRoutes: (one) =>
      guard(one, {
        rules: RULES,
        authenticator: new Authenticator({ keys, verifyToken, wrongKeysPerMinuteMax: 1_000 }),
        limits: new RequestLimits({ perMinuteMax: 3, unknownPerMinuteMax: 2 }),
        closedPrefix: '/v1/',
      }),
  });
  app.get('/v1/figures', async () => ({ ok: true }));
  app.get('/', async () => 'page');
  return app;
}

describe('requests', () => {
  let app: FastifyInstance;
  const ask = async (url: string, key?: string, remoteAddress = '10.0.0.1') => {
    const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
    const { statusCode, headers: got, body } = await app.inject({ url, headers, remoteAddress });
    return { status: statusCode, headers: got, body };
  };

  beforeEach(() => {
    app = server();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it('of a key are counted together, wherever they come from, and of another key apart', async () => {
    for (const left of [2, 1, 0]) {
      const { status, headers } = await ask('/v1/figures', ADMIN_KEY, `10.0.0.${left}`);
      expect({ status, left: headers['ratelimit-remaining'] }).toEqual({ status: 200, left: String(left) });
      expect(headers).toMatchObject({ 'ratelimit-limit': '3', 'ratelimit-policy': '3;w=60' });
    }
    const refused = await ask('/v1/figures', ADMIN_KEY, '10.0.0.9');
    expect(refused).toMatchObject({ status: 429, headers: { 'content-type': 'application/problem+json' } });
    expect(JSON.parse(refused.body)).toMatchObject({ code: 'too-many-requests', status: 429 });
    const seconds = Number(refused.headers['retry-after']);
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(60);
    expect(refused.headers).toMatchObject({ 'ratelimit-remaining': '0', 'ratelimit-reset': String(seconds) });
    for (const other of ['e30.e30.ada', 'e30.e30.bob']) {
      expect(await ask('/v1/figures', other)).toMatchObject({ status: 200, headers: { 'ratelimit-remaining': '2' } });
    }
  });

  it('without a key are counted by address, and keep no key from there out', async () => {
    expect(await ask('/v1/figures')).toMatchObject({ status: 401 });
    expect(await ask('/v1/figures', 'wrong')).toMatchObject({ status: 401 });
    expect(await ask('/v1/figures', 'wrong')).toMatchObject({ status: 429 });
    expect(await ask('/')).toMatchObject({ status: 429 });
    expect(await ask('/', undefined, '10.0.0.2')).toMatchObject({ status: 200 });
    expect(await ask('/v1/figures', ADMIN_KEY)).toMatchObject({ status: 200 });
  });

  it('of probes are not counted', async () => {
    for (let count = 0; count < 5; count++) {
      const { status, headers } = await ask('/health/live');
      expect(status).toBe(200);
      expect(headers).not.toHaveProperty('ratelimit-limit');
    }
  });

  it('are taken again when the time is over that the answer names', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
    for (let count = 0; count < 3; count++) await ask('/v1/figures', ADMIN_KEY);
    const refused = await ask('/v1/figures', ADMIN_KEY);
    expect(refused.status).toBe(429);
    await vi.advanceTimersByTimeAsync(Number(refused.headers['retry-after']) * 1_000);
    expect(await ask('/v1/figures', ADMIN_KEY)).toMatchObject({ status: 200 });
  });
});

it.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:0002::', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
])('%s is of %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});
