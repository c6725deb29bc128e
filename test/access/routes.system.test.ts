/**
 * Every route by every role, own tenant, foreign tenant and no key at all. The routes come from the api itself, so a new
 * one is in here, and one without a rule keeps the api from starting.
 */

import { type AccessRule, ROLES, type Role, type RoleRule } from '@tally/access';
import { ACCESS_RULES } from '@tally/api';
import { dayOf } from '@tally/metering';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, freshTenant, TestSystem } from '../support/system.ts';
import { WrittenLog } from '../support/written-log.ts';
import { ask, type Got } from './requests.ts';

const closedRoutes = Object.entries<AccessRule>(ACCESS_RULES).flatMap(([name, rule]) => {
  const [method = '', path = ''] = name.split(' ');
  return 'anyone' in rule ? [] : [{ name, method, path, rule }];
});
const openRoutes = Object.entries<AccessRule>(ACCESS_RULES).flatMap(([name, rule]) => ('anyone' in rule ? [name] : []));

/** Values of the path's parameters under which nothing is changed. */
const HARMLESS: Record<string, string> = {
  month: 'no-month',
  file: '2025-01.csv',
  alertId: '0'.repeat(32),
  silenceId: '00000000-0000-4000-8000-000000000000',
  targetId: 'no-target',
  changeId: 'no-change',
  keyId: '0'.repeat(16),
};

/** No route takes these, so each is refused once it is past the door. */
const NO_QUERY = Object.fromEntries(
  ['from', 'asOf', 'on', 'limit', 'licenceYear', 'policy', 'history', 'meter', 'figure'].map((name) => [
    name,
    'no-such',
  ]),
);
const NO_BODY = { 'no-such-member': 1 };

type Route = (typeof closedRoutes)[number];

const isNamed = ({ rule }: { rule: RoleRule }) => typeof rule.tenant !== 'string';

function verdictOf({ status, code }: Got): string {
  const faulty =
    [401, 403, 429].includes(status) || status >= 500 || ['not-found', 'method-not-allowed'].includes(code);
  return faulty ? `${status} ${code}` : 'let in';
}

describe('access', () => {
  let system: TestSystem;
  let url: string;
  const mine = freshTenant('mine');
  const other = freshTenant('other');
  const nobody = freshTenant('nobody');
  const keys = new Map<string, string>();

  beforeAll(async () => {
    system = await TestSystem.create('access');
    url = await system.apiUrl();
    const log = await WrittenLog.open(system, 4);
    const day = dayOf(Date.now() - 40 * 86_400_000);
    await log.write(...[mine, other].flatMap((tenantId) => [1, 2, 3].map((entity) => ({ tenantId, entity, day }))));
    await system.aggregate(Date.now, { positions: async () => ({ 'the log/0': 6 }) });
    for (const role of ROLES) {
      keys.set(`${role} of all`, await makeKey({ role }));
      keys.set(`${role} of mine`, await makeKey({ role, tenants: [mine] }));
    }
    await makeKey({ role: 'viewer', tenants: [other] });
    const until = new Date(Date.now() + 3_600_000).toISOString();
    for (const tenantId of [mine, other, null]) {
      const silence = { tenantId, until, reason: `quiet of ${tenantId}` };
      await ask(url, '/v1/alerts/silences', { method: 'POST', key: ADMIN_KEY, body: silence });
    }
  });

  afterAll(() => system.close());

  async function makeKey(of: { role: Role; tenants?: string[]; expiresOn?: string }): Promise<string> {
    const made = await ask(url, '/v1/keys', { method: 'POST', key: ADMIN_KEY, body: { name: `a ${of.role}`, ...of } });
    expect(made).toMatchObject({ status: 201 });
    return String(made.body['key']);
  }

  /** A request for a route about a tenant, with nothing in it that changes anything. */
  function call(route: Route, tenantId: string, key?: string, query: Record<string, string> = {}): Promise<Got> {
    const { method, path, rule } = route;
    const named = typeof rule.tenant === 'string' ? undefined : rule.tenant;
    const parameters: Record<string, string> = { ...HARMLESS, tenantId };
    const filled = path.replace(/:(\w+)/g, (_all, name: string) => parameters[name] ?? '');
    const asked = new URLSearchParams(named?.in === 'query' ? { ...query, [named.name]: tenantId } : query);
    const body = named?.in === 'body' ? { ...NO_BODY, [named.name]: tenantId } : NO_BODY;
    return ask(url, `${filled}?${asked}`, { method, key, body: /GET|DELETE/.test(method) ? undefined : body });
  }

  it.each(closedRoutes)('$name: is for its roles alone, and for nobody without a key', async (route) => {
    const { rule } = route;
    const verdicts: Record<string, string> = {};
    const expected: Record<string, string> = {};
    for (const role of ROLES) {
      const may = rule.roles.includes(role);
      verdicts[`${role} of all`] = verdictOf(await call(route, mine, keys.get(`${role} of all`), NO_QUERY));
      expected[`${role} of all`] = may ? 'let in' : '403 role-forbidden';
      verdicts[`${role} of mine`] = verdictOf(await call(route, mine, keys.get(`${role} of mine`), NO_QUERY));
      expected[`${role} of mine`] =
        may && rule.tenant === 'operators' ? '403 tenant-forbidden' : (expected[`${role} of all`] ?? '');
    }
    expect(verdicts).toEqual(expected);
    expect(await call(route, mine)).toMatchObject({ status: 401, code: 'unauthorized' });
  });

  it.each(closedRoutes.filter(isNamed))('$name: tells a foreign tenant like one that is not there', async (route) => {
    for (const role of route.rule.roles) {
      const foreign = await call(route, other, keys.get(`${role} of mine`));
      const absent = await call(route, nobody, keys.get(`${role} of mine`));
      expect(foreign).toMatchObject({ status: 403, code: 'tenant-forbidden' });
      const same = ({ body: { requestId, ...body }, status }: Got) => ({ status, body });
      expect(same(foreign)).toEqual(same(absent));
    }
  });

  it.each(closedRoutes.filter(({ method }) => method === 'GET'))('$name: names no foreign tenant', async (route) => {
    expect((await call(route, mine, keys.get('admin of mine'))).text).not.toContain(other);
  });

  it('shows each tenant to who may see it: what is not told to others is there', async () => {
    const text = async (path: string, key = ADMIN_KEY) => (await ask(url, path, { key })).text;
    for (const path of ['/v1/tenants', '/v1/keys']) expect(await text(path)).toContain(other);
    expect(await text(`/v1/tenants/${other}/alerts`)).toContain(other);
    for (const path of ['/v1/tenants', '/v1/keys', '/v1/alerts']) {
      expect(await text(path, keys.get('admin of mine'))).toContain(mine);
    }
  });

  it('keeps viewers from every change, and producers from everything', () => {
    for (const { name, method, rule } of closedRoutes) {
      expect(rule.roles, name).not.toContain('producer');
      expect(rule.roles, name).toContain('admin');
      if (method !== 'GET' && name !== 'DELETE /v1/session') expect(rule.roles, name).not.toContain('viewer');
      if (!name.includes('/v1/tenants/:tenantId/')) continue;
      expect(rule.tenant, name).toEqual({ in: 'path', name: 'tenantId', without: 'refused' });
    }
    expect(openRoutes.filter((name) => name.includes('/v1/'))).toEqual(['POST /v1/session']);
  });

  it('takes no other spelling of a tenant for one’s own, and reaches no other one by it', async () => {
    const key = keys.get('admin of mine');
    const own = (await ask(url, `/v1/tenants/${mine}/licences`, { key })).status;
    expect(own).toBe(200);
    const spellings = [
      mine.toUpperCase(),
      `${mine}%20`,
      `${mine}%00`,
      `${mine}.`,
      `${mine}%2f..%2f${other}`,
      `${mine}/../${other}`,
      `${mine}/%2e%2e/${other}`,
      `%2e%2e/tenants/${other}`,
      `..%2f${other}`,
      `${mine}%252f..%252f${other}`,
      `${mine};${other}`,
      `${mine},${other}`,
      `%ef%bd%8d${mine.slice(1)}`,
      `*`,
      ``,
    ];
    for (const spelling of spellings) {
      const got = await ask(url, `/v1/tenants/${spelling}/licences`, { key });
      expect([400, 403, 404], spelling).toContain(got.status);
      expect(got.text, spelling).not.toContain(other);
    }
    const encoded = `%${mine.charCodeAt(0).toString(16)}${mine.slice(1)}`;
    expect(await ask(url, `/v1/tenants/${encoded}/licences`, { key })).toMatchObject({ status: 200 });
  });

  it('refuses two tenants in one query, and a body for the operators', async () => {
    const key = keys.get('analyst of mine');
    const twice = `/v1/statements/verification?tenant=${mine}&tenant=${other}`;
    expect(await ask(url, twice, { key })).toMatchObject({ status: 403, code: 'tenant-forbidden' });
    const until = new Date(Date.now() + 3_600_000).toISOString();
    for (const body of [{ tenantId: null }, {}, { tenantId: [mine] }]) {
      const sent = { method: 'POST', key, body: { ...body, until, reason: 'quiet' } };
      expect(await ask(url, '/v1/alerts/silences', sent)).toMatchObject({ status: 403, code: 'tenant-forbidden' });
    }
  });

  it('tells offsets of the log, which count everybody’s events, only to who has all tenants', async () => {
    const path = `/v1/tenants/${mine}/unified`;
    expect(await ask(url, path, { key: keys.get('viewer of mine') })).toMatchObject({
      body: { asOf: { positions: {} } },
    });
    const { body } = await ask(url, path, { key: ADMIN_KEY });
    expect(Object.keys((body['asOf'] as { positions: object }).positions)).not.toEqual([]);
  });

  it('keeps changes on record with who made them, and lets nobody sign for another', async () => {
    const key = keys.get('analyst of mine');
    const path = `/v1/tenants/${mine}/licences`;
    const body = { licences: [], because: 'none', by: 'somebody else' };
    expect(await ask(url, path, { method: 'PUT', key, body })).toMatchObject({
      body: { version: { by: 'a analyst' } },
    });
    await ask(url, path, { method: 'PUT', key: keys.get('viewer of mine'), body });
    await ask(url, `/v1/tenants/${mine}/statements/2025-01`, { key });
    const recorded = async (who: string | undefined) => {
      const answer = await ask(url, `/v1/audit?tenant=${mine}&limit=3`, { key: who });
      return answer.body['records'] as object[];
    };
    await expect
      .poll(() => recorded(ADMIN_KEY))
      .toMatchObject([
        { method: 'GET', path: `/v1/tenants/${mine}/statements/2025-01`, who: 'a analyst', status: 404 },
        { method: 'PUT', route: '/v1/tenants/:tenantId/licences', tenantId: mine, role: 'viewer', status: 403 },
        { method: 'PUT', who: 'a analyst', role: 'analyst', keyId: String(key).slice(6, 22), via: 'key', status: 200 },
      ]);
    expect(await recorded(keys.get('admin of mine'))).toHaveLength(3);
    const foreign = await ask(url, '/v1/audit', { key: await makeKey({ role: 'admin', tenants: [other] }) });
    expect(foreign.text).not.toContain(mine);
  });

  it('pages the record without leaving one out', async () => {
    const all = (await ask(url, '/v1/audit?limit=20', { key: ADMIN_KEY })).body['records'] as { requestId: string }[];
    const paged: unknown[] = [];
    let after = '';
    while (paged.length < 20) {
      const { body } = await ask(url, `/v1/audit?limit=7${after}`, { key: ADMIN_KEY });
      paged.push(...(body['records'] as { requestId: string }[]).map(({ requestId }) => requestId));
      after = `&after=${String(body['next'])}`;
    }
    expect(paged.slice(0, 20)).toEqual(all.map(({ requestId }) => requestId));
  });
});
