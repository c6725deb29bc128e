import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHttpServer, type FastifyInstance, Registry } from '@tally/platform/http';
import { createLog } from '@tally/platform/log';
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Authenticator } from './authenticator.ts';
import { accessConfig, checkAccessConfig } from './config.ts';
import { callerOf, guard, hidePositions } from './guard.ts';
import { KeyBook } from './key-book.ts';
import { type Caller, tenantsOf } from './roles.ts';
import type { AccessRules } from './rules.ts';
import { tokenVerifier } from './tokens.ts';

const ADMIN_KEY = 'admin-key-of-the-tests';
const ISSUER = 'https://login.example/realm';
const COOLDOWN_MS = 100;
const log = createLog('test', 'silent');

const RULES: AccessRules = {
  'GET /health/live': { anyone: 'probes' },
  'GET /health/ready': { anyone: 'probes' },
  'GET /metrics': { anyone: 'probes' },
  'GET /*': { anyone: 'files' },
  'GET /v1/tenants/:tenantId': {
    roles: ['admin', 'viewer'],
    tenant: { in: 'path', name: 'tenantId', without: 'refused' },
  },
};

function bareServer(beforeRoutes: (app: FastifyInstance) => void): FastifyInstance {
  return createHttpServer({
    log,
    registry: new Registry(),
    ready: async () => ({ ok: true, detail: '' }),
    bodyBytesMax: 1_024,
    requestTimeoutMs: 1_000,
    beforeRoutes,
  });
}

function server(authenticator: Pick<Authenticator, 'callerOf'>, rules = RULES): FastifyInstance {
  const app = bareServer((one) => guard(one, { rules, authenticator, closedPrefix: '/v1/' }));
  app.get('/v1/tenants/:tenantId', async (request) => {
    const { role, scope, name } = callerOf(request);
    return { role, name, tenants: scope === '*' ? '*' : tenantsOf(scope) };
  });
  return app;
}

const onlyAdmin = () =>
  new Authenticator({
    keys: new KeyBook({ adminKey: ADMIN_KEY, clock: Date.now }),
    wrongKeysPerMinuteMax: 1_000,
  });

describe('a route without a rule', () => {
  it.each(['/v1/new', '/docs', '/admin', '/v1/page.html'])('keeps the service from starting: %s', (path) => {
    const app = server(onlyAdmin());
    expect(() => app.get(path, async () => ({}))).toThrow(expect.objectContaining({ code: 'ROUTE_UNDECLARED' }));
  });

  it('keeps it from starting when a plugin adds it', async () => {
    const app = server(onlyAdmin());
    app.register(async (scope) => {
      scope.put('/v1/tenants/:tenantId', async () => ({}));
    });
    await expect(app.ready()).rejects.toMatchObject({ code: 'ROUTE_UNDECLARED' });
  });

  it('is fine when it is a file', async () => {
    const app = server(onlyAdmin());
    for (const path of ['/', '/index.html', '/assets/index-Bx_1.js']) app.get(path, async () => 'file');
    expect(await app.inject('/assets/index-Bx_1.js')).toMatchObject({ statusCode: 200 });
  });

  it('tells nobody without a key which addresses there are', async () => {
    const app = server(onlyAdmin());
    expect(await app.inject('/v1/nothing')).toMatchObject({ statusCode: 401 });
    expect(await app.inject({ url: '/v1/tenants/x', method: 'PUT' })).toMatchObject({ statusCode: 401 });
    const headers = { authorization: `Bearer ${ADMIN_KEY}` };
    expect(await app.inject({ url: '/v1/nothing', headers })).toMatchObject({ statusCode: 404 });
  });
});

it('hides the log’s offsets from who has some tenants only, and no count of an environment of that name', async () => {
  const caller: Caller = {
    name: 'ada',
    role: 'viewer',
    scope: new Set(['acme']),
    keyId: '',
    via: 'token',
    expiresAt: null,
  };
  const app = bareServer((one) => {
    guard(one, { rules: RULES, authenticator: { callerOf: async () => caller }, closedPrefix: '/v1/' });
    hidePositions(one);
  });
  app.get('/v1/tenants/:tenantId', async () => ({
    months: [{ total: 3, byEnvironment: { positions: 2, prod: 1 } }],
    asOf: { computedAt: 'now', positions: { 'log/0': 7 } },
  }));
  expect((await app.inject('/v1/tenants/acme')).json()).toEqual({
    months: [{ total: 3, byEnvironment: { positions: 2, prod: 1 } }],
    asOf: { computedAt: 'now', positions: {} },
  });
});

describe('tokens', () => {
  let issuer: Server;
  let app: FastifyInstance;
  let jwksAsked = 0;
  const published: JWK[] = [];
  let first: { privateKey: CryptoKey; publicKey: CryptoKey };

  beforeAll(async () => {
    first = await generateKeyPair('RS256', { extractable: true });
    published.push({ ...(await exportJWK(first.publicKey)), kid: 'first', alg: 'RS256' });
    issuer = createServer((_request, response) => {
      jwksAsked++;
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: published }));
    });
    await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
    app = server(withTokens());
  });

  afterAll(() => issuer.close());

  function withTokens(more: Record<string, string> = {}): Authenticator {
    const config = accessConfig.parse({
      TALLY_OIDC_ISSUER: ISSUER,
      TALLY_OIDC_AUDIENCE: 'tally',
      TALLY_OIDC_JWKS_URL: `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/keys`,
      TALLY_OIDC_JWKS_COOLDOWN_MS: String(COOLDOWN_MS),
      ...more,
    });
    return new Authenticator({
      keys: new KeyBook({ adminKey: ADMIN_KEY, clock: Date.now }),
      verifyToken: tokenVerifier(config),
      wrongKeysPerMinuteMax: 1_000,
    });
  }

  const now = () => Math.floor(Date.now() / 1_000);
  const claims = (more: object = {}) => ({
    iss: ISSUER,
    aud: 'tally',
    sub: 'ada',
    exp: now() + 60,
    tally_role: 'viewer',
    tally_tenants: ['acme'],
    ...more,
  });
  const sign = (payload: object, { kid = 'first', key = first.privateKey, alg = 'RS256' } = {}) =>
    new SignJWT({ ...payload }).setProtectedHeader({ alg, kid }).sign(key);
  const asked = (token: string, { on = app, tenant = 'acme' } = {}) =>
    on.inject({ url: `/v1/tenants/${tenant}`, headers: { authorization: `Bearer ${token}` } });

  it('open what their claims name, and no other tenant', async () => {
    const token = await sign(claims());
    expect((await asked(token)).json()).toEqual({ role: 'viewer', name: 'ada', tenants: ['acme'] });
    for (const tenant of ['contoso', 'Acme', 'acme%2e', 'ACME', 'acme%2f..%2fcontoso']) {
      expect(await asked(token, { tenant })).toMatchObject({ statusCode: 403 });
    }
    expect(await asked(token, { tenant: '%61cme' })).toMatchObject({ statusCode: 200 });
    const all = await sign(claims({ tally_role: ['producer', 'admin'], tally_tenants: '*', email: 'ada@example.org' }));
    expect((await asked(all, { tenant: 'any' })).json()).toEqual({
      role: 'admin',
      name: 'ada@example.org',
      tenants: '*',
    });
  });

  const wrong: [string, () => Promise<string> | string][] = [
    ['expired', () => sign(claims({ exp: now() - 31 }))],
    ['without an end', () => sign(claims({ exp: undefined }))],
    ['not valid yet', () => sign(claims({ nbf: now() + 31 }))],
    ['of another audience', () => sign(claims({ aud: 'other' }))],
    ['of no audience', () => sign(claims({ aud: undefined }))],
    ['of another issuer', () => sign(claims({ iss: `${ISSUER}/` }))],
    ['without a subject', () => sign(claims({ sub: undefined }))],
    ['without a role', () => sign(claims({ tally_role: 'owner' }))],
    ['without tenants', () => sign(claims({ tally_tenants: undefined }))],
    ['with an empty list of tenants', () => sign(claims({ tally_tenants: [] }))],
    ['with all tenants among others', () => sign(claims({ tally_tenants: ['*', 'acme'] }))],
    ['with a list that is none', () => sign(claims({ tally_tenants: { 0: 'acme' } }))],
    ['of alg none', () => new UnsecuredJWT(claims()).encode()],
    ['of alg none under the key’s id', () => unsigned({ alg: 'none', kid: 'first' })],
    ['of alg nOnE', () => unsigned({ alg: 'nOnE', kid: 'first' })],
    ['signed by HS256 with the public key', hmacWithPublicKey],
    [
      'signed by another key under a known id',
      async () => sign(claims(), { key: (await generateKeyPair('RS256')).privateKey }),
    ],
    ['with a key of its own in the header', keyInHeader],
    ['changed after it was signed', changed],
    ['cut short', async () => (await sign(claims())).slice(0, -4)],
    ['of two parts', async () => (await sign(claims())).split('.').slice(0, 2).join('.')],
    ['of dots', () => '..'],
    ['of nothing but letters', () => 'a.b.c'],
  ];

  async function hmacWithPublicKey(): Promise<string> {
    const secret = new TextEncoder().encode(await exportSPKI(first.publicKey));
    return new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid: 'first' }).sign(secret);
  }
  async function keyInHeader(): Promise<string> {
    const own = await generateKeyPair('RS256', { extractable: true });
    const jwk = await exportJWK(own.publicKey);
    return new SignJWT(claims()).setProtectedHeader({ alg: 'RS256', jwk }).sign(own.privateKey);
  }
  async function changed(): Promise<string> {
    const [head, , signature] = (await sign(claims())).split('.');
    const payload = Buffer.from(JSON.stringify(claims({ tally_role: 'admin' }))).toString('base64url');
    return `${head}.${payload}.${signature}`;
  }
  function unsigned(header: object): string {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    return `${part(header)}.${part(claims())}.`;
  }

  it.each(wrong)('are refused when %s', async (_name, token) => {
    const answer = await asked(await token());
    expect(answer).toMatchObject({ statusCode: 401 });
    expect(answer.json()).toMatchObject({ code: 'unauthorized' });
  });

  it('may be off by as much as clocks are', async () => {
    expect(await asked(await sign(claims({ exp: now() - 25 })))).toMatchObject({ statusCode: 200 });
    expect(await asked(await sign(claims({ nbf: now() + 25 })))).toMatchObject({ statusCode: 200 });
  });

  it('hold under a key that was rotated in; unknown ones make the issuer be asked now and then at most', async () => {
    const second = await generateKeyPair('ES256', { extractable: true });
    const token = await sign(claims(), { kid: 'second', key: second.privateKey, alg: 'ES256' });
    expect(await asked(token)).toMatchObject({ statusCode: 401 });
    published.push({ ...(await exportJWK(second.publicKey)), kid: 'second', alg: 'ES256' });
    await new Promise((resolve) => setTimeout(resolve, COOLDOWN_MS + 10));
    expect(await asked(token)).toMatchObject({ statusCode: 200 });
    const before = jwksAsked;
    const unknown = await sign(claims(), { kid: 'third' });
    for (let count = 0; count < 20; count++) await asked(unknown);
    expect(jwksAsked - before).toBeLessThanOrEqual(2);
  });

  it('are answered 503 while the issuer is away', async () => {
    const away = server(withTokens({ TALLY_OIDC_JWKS_URL: 'http://127.0.0.1:9/keys' }));
    expect(await asked(await sign(claims()), { on: away })).toMatchObject({ statusCode: 503 });
    expect(await asked(ADMIN_KEY, { on: away })).toMatchObject({ statusCode: 200 });
  });

  it('are not taken at all until an issuer is configured', async () => {
    expect(await asked(await sign(claims()), { on: server(onlyAdmin()) })).toMatchObject({ statusCode: 401 });
  });

  it('have their claims where the issuer puts them', async () => {
    const claim = { TALLY_OIDC_ROLE_CLAIM: 'realm.roles', TALLY_OIDC_TENANTS_CLAIM: 'https://tally/tenants' };
    const on = server(withTokens(claim));
    const own = claims({ realm: { roles: ['x', 'admin'] }, 'https://tally/tenants': 'acme contoso' });
    expect((await asked(await sign(own), { on })).json()).toMatchObject({
      role: 'admin',
      tenants: ['acme', 'contoso'],
    });
    expect(await asked(await sign(claims()), { on })).toMatchObject({ statusCode: 401 });
  });

  it.each([
    ['HS256', {}],
    ['none', {}],
    ['RS256,HS512', {}],
    ['', {}],
  ])('are not configured with the algorithms %j', (TALLY_OIDC_ALGORITHMS) => {
    expect(accessConfig.safeParse({ TALLY_OIDC_ALGORITHMS }).success).toBe(false);
  });

  it('need an audience and the place of the keys beside the issuer', () => {
    const parsed = accessConfig.superRefine(checkAccessConfig).safeParse({ TALLY_OIDC_ISSUER: ISSUER });
    expect(parsed.error?.issues.map(({ path }) => path.join())).toEqual(['TALLY_OIDC_AUDIENCE', 'TALLY_OIDC_JWKS_URL']);
  });
});
