/**
 * Tags, 304 and compression, as a client on the wire sees them; and that an export which breaks off says so, compressed
 * or not.
 */
import { request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { statementRowsAnswer } from '@tally/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../access/requests.ts';
import { someOf } from '../support/some-of.ts';
import { ADMIN_KEY, freshTenant, TestSystem } from '../support/system.ts';
import { WrittenLog } from '../support/written-log.ts';
import { EVENTS_OF_LARGE, issueWritten, stopExport, writeLargeMonth } from '../support/written-statements.ts';

const NOW = Date.UTC(2026, 3, 20);
const MONTH = '2026-03';
describe('answers', () => {
  let system: TestSystem;
  let url: string;
  let log: WrittenLog;
  const tenantId = freshTenant('small');
  const large = freshTenant('large');

  beforeAll(async () => {
    system = await TestSystem.create('caching');
    url = await system.apiUrl();
    log = await WrittenLog.open(system, 4);
    await log.write(...[1, 2, 3].map((entity) => ({ tenantId, entity, day: '2026-03-02' })));
  });

  afterAll(async () => {
    await system.close();
  });

  const get = (path: string, headers: Record<string, string> = {}) => ask(url, path, { key: ADMIN_KEY, headers });

  /** As it comes over the wire. */
  async function bytes(path: string, encoding: string): Promise<{ encoding: string; body: Buffer; vary: string }> {
    const { port } = new URL(url);
    const headers = { authorization: `Bearer ${ADMIN_KEY}`, 'accept-encoding': encoding };
    return new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port, path, headers, agent: false }, (answer) => {
        const { 'content-encoding': got = '', vary = '' } = answer.headers;
        buffer(answer).then((body) => resolve({ encoding: got, body, vary }), reject);
      })
        .once('error', reject)
        .end();
    });
  }

  const figures = [
    '/v1/tenants',
    '/v1/overview',
    '/v1/catalogue',
    `/v1/tenants/${tenantId}/interactions?from=2026-01&to=2026-03`,
    `/v1/tenants/${tenantId}/engaged?asOf=2026-03-31`,
    `/v1/tenants/${tenantId}/engaged/curve?from=2026-03-01&to=2026-03-31`,
    `/v1/tenants/${tenantId}/quota?on=2026-03-31`,
    `/v1/tenants/${tenantId}/true-up?licenceYear=2026-01-01`,
    `/v1/tenants/${tenantId}/unified`,
    `/v1/tenants/${tenantId}/licences`,
    `/v1/tenants/${tenantId}/published?meter=interactions&period=2026-03`,
  ];

  it.each(figures)('%s: has a tag, and comes again only when something is new', async (path) => {
    const first = await get(path);
    expect(first).toMatchObject({ status: 200, headers: { 'cache-control': 'private, no-cache' } });
    const tag = String(first.headers['etag']);
    expect(tag).toMatch(/^W\/"[\w-]{32}"$/);
    for (const known of [tag, tag.slice(2), `"x", ${tag}`, '*']) {
      const again = await get(path, { 'if-none-match': known });
      expect(again).toMatchObject({ status: 304, text: '', headers: { etag: tag, vary: expect.any(String) } });
      expect(again.headers).not.toHaveProperty('content-type');
    }
    expect(await get(path, { 'if-none-match': '"other"' })).toMatchObject({ status: 200, body: expect.anything() });
    const head = await ask(url, path, { method: 'HEAD', key: ADMIN_KEY, headers: { 'if-none-match': tag } });
    expect(head).toMatchObject({ status: 304, text: '' });
  });

  it('has another tag once a figure is another one', async () => {
    const path = `/v1/tenants/${tenantId}/interactions?from=2026-01&to=2026-03`;
    const tag = String((await get(path)).headers['etag']);
    await log.write({ tenantId, entity: 4, day: '2026-03-03' });
    const got = await get(path, { 'if-none-match': tag });
    expect(got).toMatchObject({ status: 200 });
    expect(got.headers['etag']).not.toBe(tag);
  });

  it('gives nobody a 304 whom it would not give the figures', async () => {
    expect(await ask(url, figures[3] ?? '', { headers: { 'if-none-match': '*' } })).toMatchObject({ status: 401 });
  });

  it.each([
    ['br', 'br', brotliDecompressSync],
    ['gzip, deflate', 'gzip', gunzipSync],
    ['br;q=0, gzip', 'gzip', gunzipSync],
    ['zstd', '', (body: Buffer) => body],
    ['identity', '', (body: Buffer) => body],
  ])('is for a client that takes %s in %j', async (asked, encoding, unpacked) => {
    const path = `/v1/tenants/${tenantId}/engaged/curve?from=2025-01-01&to=2026-03-31`;
    const plain = await get(path);
    const got = await bytes(path, asked);
    expect(got).toMatchObject({ encoding, vary: 'accept, accept-encoding, authorization, cookie' });
    const { asOf: _, ...curve } = JSON.parse(String(unpacked(got.body))) as Record<string, unknown>;
    expect(plain.body).toMatchObject(curve);
    if (encoding !== '') expect(got.body.length).toBeLessThan(plain.text.length / 3);
  });

  it('is not compressed where it is small, or holds a secret', async () => {
    expect(await bytes('/v1/tenants', 'br')).toMatchObject({ encoding: '' });
    const name = 'x'.repeat(200);
    const tenants = Array.from({ length: 30 }, (_, index) => `tenant-${index}-${'y'.repeat(40)}`);
    const body = { name, role: 'viewer', tenants };
    const sent = { method: 'POST', key: ADMIN_KEY, headers: { 'accept-encoding': 'br, gzip' }, body };
    const made = await ask(url, '/v1/keys', sent);
    expect(made).toMatchObject({ status: 201, headers: { 'cache-control': 'no-store' } });
    expect(made.text.length).toBeGreaterThan(1_500);
    const begun = await ask(url, '/v1/session', {
      ...{ method: 'POST', headers: { 'accept-encoding': 'br, gzip' } },
      body: { key: String(made.body['key']) },
    });
    expect(begun.text.length).toBeGreaterThan(1_500);
    for (const { headers } of [made, begun]) expect(headers).not.toHaveProperty('content-encoding');
  });

  describe('an export', () => {
    beforeAll(async () => {
      const positions = await writeLargeMonth(system, { log, tenantId: large });
      await issueWritten(system, { tenants: [large], month: MONTH, now: NOW, positions, by: 'ann' });
    });

    it.each(someOf(['identity', 'gzip', 'br'], 2))(
      'that breaks off in the middle is no whole one, as %s',
      async (encoding) => {
        const response = await fetch(`${url}/v1/tenants/${large}/statements/${MONTH}/rows.csv?figure=interactions`, {
          headers: { authorization: `Bearer ${ADMIN_KEY}`, 'accept-encoding': encoding },
        });
        expect(response.headers.get('content-encoding') ?? 'identity').toBe(encoding);
        const reader = response.body?.getReader() ?? expect.fail('no body');
        let bytesRead = (await reader.read()).value?.length ?? 0;
        const { ended } = await stopExport(system);
        const rest = async (): Promise<void> => {
          for (let part = await reader.read(); !part.done; part = await reader.read()) bytesRead += part.value.length;
        };
        await expect(rest()).rejects.toThrow();
        await ended;
        expect(bytesRead).toBeGreaterThan(0);
      },
    );

    it.each(['interactions', 'engagedPeople', 'unifiedPeople'])(
      'has pages of %s as the document says',
      async (figure) => {
        const got = await get(`/v1/tenants/${large}/statements/${MONTH}/rows?figure=${figure}&limit=2`);
        expect(got).toMatchObject({ status: 200, headers: { etag: expect.any(String) } });
        const { columns, rows } = statementRowsAnswer.parse(got.body);
        expect(rows).toHaveLength(figure === 'unifiedPeople' ? 0 : 2);
        for (const row of rows) expect(Object.keys(row)).toEqual([...columns]);
      },
    );

    it.each(['csv', 'xlsx', 'pdf'])('of a statement as %s has its tag, and is not compressed', async (format) => {
      const path = `/v1/tenants/${large}/statements/${MONTH}.${format}`;
      const { encoding, body } = await bytes(path, 'br, gzip');
      expect(encoding).toBe('');
      expect(body.length).toBeGreaterThan(1_000);
      const tag = String((await ask(url, path, { key: ADMIN_KEY, method: 'HEAD' })).headers['etag']);
      expect(tag).toMatch(new RegExp(`^"sha256:[0-9a-f]{64}\\.${format}"$`));
      const again = await get(path, { 'if-none-match': `"other", ${tag}` });
      expect(again).toMatchObject({ status: 304, text: '', headers: { 'cache-control': 'private, no-cache' } });
    });

    it.each(someOf(['identity', 'gzip', 'br']))('that does not is whole, as %s', async (encoding) => {
      const response = await fetch(`${url}/v1/tenants/${large}/statements/${MONTH}/rows.csv?figure=interactions`, {
        headers: { authorization: `Bearer ${ADMIN_KEY}`, 'accept-encoding': encoding },
      });
      const text = await response.text();
      expect(text.trimEnd().split('\n')).toHaveLength(EVENTS_OF_LARGE + 1);
      expect(response.headers.get('x-tally-rows')).toBe(String(EVENTS_OF_LARGE));
    });
  });
});
