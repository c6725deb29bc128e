/**
 * Lists of figures as CSV: the same figures as in JSON, for the same callers, and never one for the other.
 */
import { request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { writeSnapshots } from '@tally/figures';
import { addToMonth, dayOf, lastDayOf, monthOf } from '@tally/metering';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, type Got } from '../access/requests.ts';
import { ADMIN_KEY, freshTenant, TestSystem } from '../support/system.ts';
import { WrittenLog } from '../support/written-log.ts';
import { issueWritten } from '../support/written-statements.ts';

type Row = Record<string, string>;

const CSV = { accept: 'text/csv' };
const TODAY = dayOf(Date.now());
const MONTH = monthOf(TODAY);
const BEFORE = addToMonth(MONTH, -2);
const PEOPLE_DAY = lastDayOf(BEFORE);
/** More rows than are written at a time. */
const LONG = '/engaged/curve?from=2015-01-01&to=2025-12-31';

describe('lists of figures as CSV', () => {
  let system: TestSystem;
  let url: string;
  /** Spreadsheets would take its id, and what it calls its environment, for formulas. */
  const mine = `-${freshTenant('mine')}`;
  const other = freshTenant('other');
  let viewer: string;

  beforeAll(async () => {
    system = await TestSystem.create('csv');
    url = await system.apiUrl();
    const log = await WrittenLog.open(system, 4);
    const day = `${BEFORE}-02`;
    await log.write(...[mine, other].flatMap((tenantId) => [1, 2, 3].map((entity) => ({ tenantId, entity, day }))));
    await log.write({ tenantId: mine, entity: 1, day, inbound: true });
    await system.aggregate(Date.now, { positions: async () => log.positions() });
    const environment = { id: 'prod', name: '=1+1', type: 'production', geo: 'eu', startsOn: '2020-01-01' };
    await put('environments', { environments: [environment], because: 'known' });
    await put('licences', { licences: [{ sku: 'ci-base', quantity: 1, startsOn: '2020-01-01' }], because: 'order 1' });
    const asked = { tenants: [mine], month: BEFORE, now: Date.now(), positions: log.positions(), by: '@ann' };
    await issueWritten(system, asked);
    const key = { name: 'a viewer', role: 'viewer', tenants: [mine] };
    viewer = String((await ask(url, '/v1/keys', { method: 'POST', key: ADMIN_KEY, body: key })).body['key']);
  });

  afterAll(() => system.close());

  async function put(what: string, body: object): Promise<void> {
    const path = `/v1/tenants/${mine}/${what}`;
    expect(await ask(url, path, { method: 'PUT', key: ADMIN_KEY, body })).toMatchObject({ status: 200 });
  }
  const of = (path: string): string => (path.startsWith('/v1/') ? path : `/v1/tenants/${mine}${path}`);
  const get = (path: string, headers: Record<string, string> = {}, key = ADMIN_KEY): Promise<Got> =>
    ask(url, of(path), { key, headers });
  const read = (text: string): Row[] => parse(text, { columns: true, record_delimiter: '\r\n' });
  async function rows(path: string, key = ADMIN_KEY): Promise<Row[]> {
    const got = await get(path, CSV, key);
    expect(got).toMatchObject({ status: 200, headers: { 'content-type': 'text/csv; charset=utf-8; header=present' } });
    return read(got.text);
  }

  const lists = [
    '/v1/overview',
    `/interactions?from=${BEFORE}&to=${MONTH}`,
    `/engaged/curve?from=${BEFORE}-01&to=${PEOPLE_DAY}`,
    `/unified/history?from=${PEOPLE_DAY}&to=${TODAY}`,
    `/published?meter=interactions&period=${BEFORE}`,
    `/published?meter=engaged&period=${PEOPLE_DAY}`,
    '/quota',
    '/statements',
  ];

  it.each(lists)('%s: by header, by link and by HEAD, with when it was worked out', async (path) => {
    const link = `${path}${path.includes('?') ? '&' : '?'}format=csv`;
    const [byHeader, byLink] = [await get(path, CSV), await get(link)];
    const first = read(byHeader.text);
    const plain = (all: Row[]) => all.map(({ asOf: _, ...row }) => row);
    expect(plain(read(byLink.text))).toEqual(plain(first));
    const head = await ask(url, of(link), { method: 'HEAD', key: ADMIN_KEY });
    expect(head).toMatchObject({ status: 200, text: '' });
    for (const { headers } of [byHeader, byLink, head]) {
      expect(headers['content-type']).toBe('text/csv; charset=utf-8; header=present');
      expect(headers['content-disposition']).toMatch(/^attachment; filename="tally-[\w.-]+\.csv"$/);
      expect(String(headers['vary']).split(', ')).toContain('accept');
      expect(headers['ratelimit-limit']).toBeDefined();
    }
    if (path.startsWith('/unified') || path === '/statements') return;
    expect(first.length).toBeGreaterThan(0);
    expect(new Set(first.map(({ asOf }) => asOf))).toEqual(new Set([byHeader.headers['x-tally-as-of']]));
  });

  it.each(lists)('%s: has a tag of its own, and is never taken for JSON', async (path) => {
    const [json, csv, jsonAgain] = [await get(path), await get(path, CSV), await get(path)];
    const tag = String(csv.headers['etag']);
    expect(tag).toMatch(/^W\/"[\w-]{32}"$/);
    expect(json.headers['etag']).not.toBe(tag);
    expect(jsonAgain.headers).toMatchObject({
      etag: json.headers['etag'],
      'content-type': expect.stringMatching('json'),
    });
    const kept = await get(path, { ...CSV, 'if-none-match': tag });
    expect(kept).toMatchObject({ status: 304, text: '', headers: { etag: tag } });
    for (const name of ['content-type', 'content-disposition']) expect(kept.headers).not.toHaveProperty(name);
    expect(await get(path, { 'if-none-match': tag })).toMatchObject({ status: 200 });
    expect(await get(path, { ...CSV, 'if-none-match': String(json.headers['etag']) })).toMatchObject({ status: 200 });
  });

  it('has interactions by month, channel and environment, which add up', async () => {
    const found = (await rows(`/interactions?from=${BEFORE}&to=${BEFORE}`)).map(({ asOf: _, ...row }) => row);
    const same = { tenant: `'${mine}`, month: BEFORE, unit: 'interactions', policy: 'all' };
    expect(found).toEqual([
      { ...same, dimension: 'total', key: '', value: '4' },
      { ...same, dimension: 'channel', key: 'email', value: '3' },
      { ...same, dimension: 'channel', key: 'form_submission', value: '1' },
      { ...same, dimension: 'environment', key: 'prod', value: '1' },
      { ...same, dimension: 'environment', key: 'test', value: '3' },
    ]);
  });

  it('has every day of the curve, however many', async () => {
    const { days } = (await get(LONG)).body as { days: { day: string; total: number }[] };
    const found = await rows(LONG);
    expect(days.length).toBeGreaterThan(4_000);
    expect(found.map(({ day, value }) => ({ day, total: Number(value) }))).toEqual(days);
  });

  it('has what was published, and says whether that is all', async () => {
    const path = `/published?meter=engaged&period=${PEOPLE_DAY}`;
    const [total, ...parts] = await rows(path);
    expect(total).toMatchObject({
      meter: 'engaged',
      period: PEOPLE_DAY,
      dimension: 'total',
      value: '3',
      unit: 'people',
    });
    expect(parts.map(({ dimension, key, value }) => [dimension, key, value])).toEqual([
      ['environment', 'prod', '1'],
      ['environment', 'test', '2'],
      ['entity type', 'contact', '3'],
    ]);
    expect((await get(path, CSV)).headers).toMatchObject({ 'x-tally-complete': 'true' });
  });

  it('has unified people by environment; where records were read is told nobody', async () => {
    const tenant = freshTenant('unified');
    const breakdown = {
      byEnvironment: { test: 2, '-prod': 3 },
      recordsByEnvironment: { test: 2, '-prod': 5 },
      readUpTo: { test: ['77'], '-prod': ['88'] },
    };
    const snapshot = { tenantId: tenant, meter: 'unified', period: TODAY, policy: '', total: 5, breakdown } as const;
    const runId = '00000000-0000-4000-8000-000000000001';
    await writeSnapshots(system.clickhouse, [{ ...snapshot, computedAt: Date.now(), runId, positions: {} }]);
    const parts = ({ dimension, key, value, unit }: Row) => [dimension, key, value, unit];
    const expected = [
      ['total', '', '5', 'people'],
      ['environment', "'-prod", '3', 'people'],
      ['environment', 'test', '2', 'people'],
    ];
    const history = await rows(`/v1/tenants/${tenant}/unified/history?from=${TODAY}&to=${TODAY}`);
    expect(history.map(parts)).toEqual(expected);
    const path = `/v1/tenants/${tenant}/published?meter=unified&period=${TODAY}`;
    expect((await rows(path)).map(parts)).toEqual(expected);
    const { text } = await get(path);
    expect(text).toContain('recordsByEnvironment');
    expect(text).not.toContain('readUpTo');
  });

  it('has the quota of each meter and what each environment used; no text in it is a formula', async () => {
    const found = await rows(`/quota?on=${PEOPLE_DAY}`);
    const value = (figure: string, key = '') => found.find((row) => row['figure'] === figure && row['key'] === key);
    expect(value('engagedPeople.owned')).toMatchObject({ value: '10000', on: PEOPLE_DAY });
    expect(value('engagedPeople.used')).toMatchObject({ value: '3', dimension: 'total' });
    expect(value('engagedPeople.used', 'prod')).toMatchObject({ value: '1', dimension: 'environment', text: "'=1+1" });
    // Nothing was ever published of unified people: that is not 0.
    expect(value('unifiedPeople.used')).toMatchObject({ value: '' });
    const stated = await rows('/statements');
    expect(stated).toHaveLength(12);
    expect(stated[1]).toMatchObject({ figure: 'interactions.used', key: BEFORE, value: '4', issuedBy: "'@ann" });
  });

  it('has of all tenants those that the caller may see', async () => {
    const tenants = async (key: string) => new Set((await rows('/v1/overview', key)).map(({ tenant }) => tenant));
    expect(await tenants(ADMIN_KEY)).toEqual(new Set([`'${mine}`, other]));
    expect(await tenants(viewer)).toEqual(new Set([`'${mine}`]));
    const foreign = await get(`/v1/tenants/${other}/interactions?format=csv`, CSV, viewer);
    expect(foreign).toMatchObject({ status: 403, code: 'tenant-forbidden' });
    expect(foreign.headers).not.toHaveProperty('content-disposition');
  });

  it.each([
    ['br', brotliDecompressSync],
    ['gzip', gunzipSync],
  ])('is compressed as %s', async (encoding, unpacked) => {
    const { port } = new URL(url);
    const headers = { authorization: `Bearer ${ADMIN_KEY}`, 'accept-encoding': encoding, ...CSV };
    const { text } = await get(LONG, CSV);
    const got = await new Promise<{ as: unknown; body: Buffer }>((resolve, reject) => {
      request({ host: '127.0.0.1', port, path: of(LONG), headers, agent: false }, (answer) => {
        buffer(answer).then((body) => resolve({ as: answer.headers['content-encoding'], body }), reject);
      })
        .once('error', reject)
        .end();
    });
    expect(got.as).toBe(encoding);
    expect(got.body.length).toBeLessThan(text.length / 10);
    expect(read(String(unpacked(got.body))).length).toBe(read(text).length);
  });

  it.each([
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'application/json'],
    ['*/*', 'application/json'],
    ['text/csv;q=0.5, application/json', 'application/json'],
    ['application/json;q=0.5, text/csv', 'text/csv'],
    ['text/*', 'text/csv'],
    ['text/csv; charset=utf-8', 'text/csv'],
    ['text/csv;header=present', 'text/csv'],
  ])('for %j is %s', async (accept, type) => {
    const got = await get('/interactions', { accept });
    expect(String(got.headers['content-type']).split(';', 1)[0]).toBe(type);
  });

  it('believes a link before the header, and refuses what there is not', async () => {
    const json = await get('/interactions?format=json', CSV);
    expect(json).toMatchObject({ status: 200, body: { months: expect.anything() } });
    expect(await get('/interactions', { accept: 'application/pdf' })).toMatchObject({
      ...{ status: 406, code: 'not-acceptable' },
      headers: { vary: expect.stringMatching(/^accept,/) },
    });
    for (const query of ['format=xlsx', 'format=', 'format=CSV', 'format=csv&format=json']) {
      const got = await get(`/interactions?${query}`);
      expect(got, query).toMatchObject({ status: 400, code: 'invalid-parameter' });
    }
    const single = `/true-up?licenceYear=2020-01-01`;
    expect(await get(`${single}&format=csv`)).toMatchObject({ status: 400, code: 'invalid-parameter' });
    expect(await get(single, CSV)).toMatchObject({ status: 200, body: { peopleToBuy: 0 } });
    const faulty = await get('/interactions?from=never&format=csv');
    expect(faulty).toMatchObject({ status: 400, code: 'invalid-parameter' });
    expect(faulty.headers).not.toHaveProperty('content-disposition');
  });
});
