/**
 * What browsers and caches are told: the same on every answer of every route, right or wrong, and on every file.
 */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openApiDocument } from '@tally/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, type Got } from '../access/requests.ts';
import { ADMIN_KEY, freshTenant, TestSystem } from '../support/system.ts';

const BUILT = fileURLToPath(new URL('../../services/dashboard/dist', import.meta.url));
const paths = openApiDocument()['paths'] as Record<string, object>;
const calls = Object.entries(paths).flatMap(([path, methods]) =>
  Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })),
);
const files = readdirSync(BUILT, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && !/\.(?:br|gz)$/.test(entry.name))
  .map(({ parentPath, name }) => `${parentPath.slice(BUILT.length)}/${name}`);
const pages = ['/', '/docs', '/docs/start.js', '/docs/swagger-ui.css', '/openapi.json', '/metrics', '/health/live'];

function expectHardened({ headers }: Got, what: string): void {
  expect(headers, what).toMatchObject({
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'x-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
  const policy = String(headers['content-security-policy']);
  expect(policy, what).toMatch(/^default-src '(?:none|self)'/);
  expect(policy, what).toContain("frame-ancestors 'none'");
  expect(policy, what).toContain("base-uri 'none'");
  expect(policy, what).not.toMatch(/unsafe|http|\*/);
  expect(headers, what).not.toHaveProperty('x-powered-by');
  expect(headers, what).not.toHaveProperty('access-control-allow-origin');
}

describe('every answer', () => {
  let system: TestSystem;
  let url: string;
  const tenantId = freshTenant('headers');

  beforeAll(async () => {
    system = await TestSystem.create('headers');
    url = await system.apiUrl();
  });

  afterAll(() => system.close());

  it.each(calls)(
    '$method $path: is hardened and in no shared cache, with a key and without',
    async ({ method, path }) => {
      const filled = path.replace('{tenantId}', tenantId).replace(/\{\w+\}/g, 'none');
      const body = /GET|DELETE/.test(method) ? undefined : {};
      for (const key of [ADMIN_KEY, undefined, 'wrong']) {
        const got = await ask(url, filled, { method, key, body });
        expectHardened(got, `${method} ${filled} ${got.status}`);
        if (!path.startsWith('/v1/')) continue;
        expect(got.headers['cache-control'], `${got.status}`).toMatch(/^(?:no-store|private, no-cache)$/);
        expect(got.headers['vary'], `${got.status}`).toBe('accept, accept-encoding, authorization, cookie');
      }
    },
  );

  it.each([...pages, ...files])('%s: is hardened', async (path) => {
    const got = await ask(url, path);
    expect(got.status).toBe(200);
    expectHardened(got, path);
  });

  it.each(['/v1/%ff', '/nothing', '/v1/nothing', '/../../etc/passwd', `/v1/tenants/${'x'.repeat(300)}/quota`])(
    'to what cannot be: %s, is hardened',
    async (path) => {
      const got = await ask(url, path);
      expect(got.status).toBeGreaterThanOrEqual(400);
      expectHardened(got, path);
    },
  );

  it('sends browsers to https for a year only where they come by https', async () => {
    const behindProxy = await system.apiUrl({ TALLY_API_PUBLIC_URL: 'https://tally.example/' });
    for (const path of ['/', '/v1/tenants', '/%ff']) {
      const { headers } = await ask(behindProxy, path);
      expect(headers['strict-transport-security']).toBe('max-age=31536000');
      expect((await ask(url, path)).headers).not.toHaveProperty('strict-transport-security');
    }
  });
});

describe('who stands behind an address', () => {
  it('is what a trusted proxy says, and nobody else', async () => {
    const system = await TestSystem.create('proxies');
    try {
      const limit = { TALLY_API_UNKNOWN_REQUESTS_PER_MINUTE_MAX: '1' };
      const plain = await system.apiUrl(limit);
      const behind = await system.apiUrl({ ...limit, TALLY_API_TRUSTED_PROXIES: '127.0.0.0/8' });
      const statuses = async (url: string) => {
        const all: number[] = [];
        for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.1']) {
          all.push((await ask(url, '/docs', { headers: { 'x-forwarded-for': address } })).status);
        }
        return all;
      };
      expect(await statuses(plain)).toEqual([200, 429, 429]);
      expect(await statuses(behind)).toEqual([200, 200, 429]);
    } finally {
      await system.close();
    }
  });
});
