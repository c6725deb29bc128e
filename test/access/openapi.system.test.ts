/**
 * What an integrator does with the document: a client is made from it by a public tool, and requests of all kinds are. No
 * request makes the api fail, and what it answers is what the document says.
 */
import { OPERATIONS, type Operation } from '@tally/api';
import { dayOf, monthOf } from '@tally/metering';
import fc from 'fast-check';
import { type Document, OpenAPIClientAxios } from 'openapi-client-axios';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, freshTenant, TestSystem } from '../support/system.ts';
import { ask, type Got } from './requests.ts';

const REQUESTS = Number(process.env['TALLY_TEST_REQUESTS'] ?? 150);

type Schema = Record<string, unknown>;
interface Parameter {
  name: string;
  in: 'path' | 'query';
  schema: Schema;
}
interface Described {
  parameters: Parameter[];
  requestBody?: { content: { 'application/json': { schema: Schema } } };
  responses: Record<number, { content?: { 'application/problem+json'?: { schema: ProblemSchema } } }>;
}
interface ProblemSchema {
  allOf: [unknown, { properties: { code: { enum: string[] } } }];
}
interface Call {
  name: string;
  parameters: Record<string, string>;
  body: unknown;
}

const EDGES = [
  '',
  '0',
  '-1',
  '1',
  '1e9',
  'NaN',
  '18446744073709551616',
  '2025-01',
  '2025-13',
  '0000-01',
  '9999-12',
  '2025-01-31',
  '2025-02-30',
  '0001-01-01',
  '9999-12-31',
  '2024-02-29',
  '2025-01.csv',
  '2025-01-01T00:00:00Z',
  'true',
  'null',
  'interactions',
  'engaged',
  'unified',
  '..',
  '%00',
  "' OR 1=1 --",
  '{x:String}',
  '\u0000',
  '\u{1f600}',
  'x'.repeat(300),
  '0'.repeat(32),
  '00000000-0000-4000-8000-000000000000',
];

/** A value that the schema allows, or nearly. */
function arbitraryOf(schema: Schema, depth = 0): fc.Arbitrary<unknown> {
  const { type, properties, items, anyOf } = schema;
  const whatever = fc.oneof(fc.constantFrom<unknown>(...EDGES), fc.jsonValue({ maxDepth: 2 }));
  if (depth > 4) return whatever;
  if (Array.isArray(schema['enum']))
    return fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...schema['enum']) }, whatever);
  if ('const' in schema) return fc.constant(schema['const']);
  if (Array.isArray(anyOf)) return fc.oneof(...anyOf.map((one: Schema) => arbitraryOf(one, depth + 1)));
  if (type === 'object') return objectOf((properties ?? {}) as Record<string, Schema>, depth);
  if (type === 'array')
    return fc.oneof(
      { weight: 6, arbitrary: fc.array(arbitraryOf((items ?? {}) as Schema, depth + 1), { maxLength: 3 }) },
      whatever,
    );
  if (type === 'integer' || type === 'number')
    return fc.oneof(fc.integer({ min: -1, max: 1_100 }), fc.double(), whatever);
  if (type === 'boolean') return fc.oneof(fc.boolean(), whatever);
  return fc.oneof(fc.constantFrom(...EDGES), fc.string({ unit: 'grapheme', maxLength: 20 }), whatever);
}

/** Each member in three of four. */
function objectOf(properties: Record<string, Schema>, depth: number): fc.Arbitrary<unknown> {
  const members = Object.entries(properties).map(
    ([name, schema]) => [name, fc.option(arbitraryOf(schema, depth + 1), { freq: 3, nil: undefined })] as const,
  );
  return fc.record(Object.fromEntries(members));
}

/** Of addresses that are no call's, but a file's: a parameter that is empty, very long or leads elsewhere makes one. */
const OF_NO_CALL = ['404 not-found', '405 method-not-allowed', '403 invalid-request'];

function faultIn({ name }: Call, { status, code, body, headers, text }: Got, described: Described): string | undefined {
  if (status >= 500) return `the api failed: ${text}`;
  if (status >= 400) {
    if (code === '') return 'no problem details';
    const told = described.responses[status]?.content?.['application/problem+json']?.schema.allOf[1].properties.code;
    return told?.enum.includes(code) || OF_NO_CALL.includes(`${status} ${code}`)
      ? undefined
      : `${code} is not in the document`;
  }
  const { answer } = (OPERATIONS as Record<string, Operation>)[name.replace(/\{(\w+)\}/g, ':$1')] ?? {};
  if (!answer || !String(headers['content-type']).startsWith('application/json')) return undefined;
  return answer.safeParse(body).error?.message;
}

describe('the OpenAPI document', () => {
  let system: TestSystem;
  let url: string;
  let gateway: string;
  let definition: Document;
  const tenantId = freshTenant('openapi');

  beforeAll(async () => {
    system = await TestSystem.create('openapi');
    url = await system.apiUrl();
    definition = (await ask(url, '/openapi.json')).body as unknown as Document;
    gateway = (await system.service('gateway/main.ts')).url;
    await system.consumer();
    for (const id of ['1', '2', '3']) await sendEvent({ id, tenantId, time: '2025-01-15T10:00:00Z' });
  });

  afterAll(() => system.close());

  async function sendEvent({ id, tenantId: of, time }: { id: string; tenantId: string; time: string }): Promise<void> {
    const data = { tenantId: of, environmentId: 'prod', entityType: 'contact', entityId: 'c-1', channel: 'email' };
    const body = { specversion: '1.0', type: 'tally.interaction.v1', source: '/readme', id, time, data };
    const headers = { 'content-type': 'application/cloudevents+json' };
    const sent = await ask(gateway, '/v1/events', { method: 'POST', key: ADMIN_KEY, headers, body });
    expect(sent).toMatchObject({ status: 202, body: { accepted: 1 } });
  }

  it('makes a client that runs the example of the README', async () => {
    const time = new Date().toISOString();
    const month = monthOf(dayOf(Date.parse(time)));
    for (let count = 0; count < 2; count++) await sendEvent({ id: 'welcome-1', tenantId: 'contoso', time });
    await system.caughtUp();

    const made = new OpenAPIClientAxios({
      definition,
      withServer: { url },
      axiosConfigDefaults: { headers: { authorization: `Bearer ${ADMIN_KEY}` } },
    });
    const client = await made.init();
    const answer = await client['interactions']?.({ tenantId: 'contoso', from: month, to: month });
    expect(answer?.data).toMatchObject({
      months: [{ month, total: 1, byChannel: { email: 1 }, byEnvironment: { prod: 1 } }],
      policy: 'all',
    });
    const licences = [{ sku: 'ci-base', quantity: 1, startsOn: '2025-01-01', endsOn: null }];
    const changed = await client['changeLicences']?.({ tenantId: 'contoso' }, { licences, because: 'order 1' });
    expect(changed?.data).toMatchObject({ licences });
  });

  const paths = () => definition.paths as unknown as Record<string, Record<string, Described>>;

  /** Requests as the document describes them, their parameters right or nearly. */
  function calls(): fc.Arbitrary<Call> {
    const all = Object.entries(paths()).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, described]) => ({ name: `${method.toUpperCase()} ${path}`, described })),
    );
    return fc.constantFrom(...all).chain(({ name, described: { parameters, requestBody } }) => {
      const text = (value: unknown): string => (typeof value === 'string' ? value : String(JSON.stringify(value)));
      const values = parameters.map(({ name: of, in: where, schema }) => {
        const value = arbitraryOf(schema).map(text);
        if (of === 'tenantId') return [of, fc.oneof({ weight: 8, arbitrary: fc.constant(tenantId) }, value)] as const;
        return [of, where === 'path' ? value : fc.option(value, { nil: '\uffff' })] as const;
      });
      const schema = requestBody?.content['application/json'].schema;
      return fc.record({
        name: fc.constant(name),
        parameters: fc.record(Object.fromEntries(values)),
        body: schema ? fc.oneof({ weight: 6, arbitrary: arbitraryOf(schema) }, fc.jsonValue()) : fc.constant(undefined),
      });
    });
  }

  function send({ name, parameters, body }: Call): Promise<Got> {
    const [method = '', path = ''] = name.split(' ');
    const encode = (value: string) => encodeURIComponent(value.toWellFormed());
    const filled = path.replace(/\{(\w+)\}/g, (_all, of: string) => encode(parameters[of] ?? ''));
    const query = Object.entries(parameters)
      .filter(([of, value]) => !path.includes(`{${of}}`) && value !== '\uffff')
      .map(([of, value]) => `${of}=${encode(value)}`);
    return ask(url, `${filled}?${query.join('&')}`, { method, key: ADMIN_KEY, body: body as object | undefined });
  }

  it('leads to no request that the api fails on, and to answers as it says', async () => {
    const seed = Number(process.env['TALLY_TEST_SEED'] ?? Date.now() % 2 ** 31);
    const statuses: number[] = [];
    const faults: string[] = [];
    for (const call of fc.sample(calls(), { numRuns: REQUESTS, seed })) {
      const got = await send(call);
      statuses.push(got.status);
      const [method = '', path = ''] = call.name.split(' ');
      const described = paths()[path]?.[method.toLowerCase()] ?? expect.fail(call.name);
      const fault = faultIn(call, got, described);
      if (fault !== undefined) faults.push(`${fault} (${got.status}) for ${JSON.stringify(call)}, seed ${seed}`);
    }
    expect(faults).toEqual([]);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(REQUESTS / 20);
  });

  it('has a page that asks nothing of other hosts and holds no script or style', async () => {
    const page = await ask(url, '/docs');
    expect(page).toMatchObject({ status: 200 });
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
    expect(policy).not.toContain('http');
    expect(page.text).not.toMatch(/<style|style=|<script>|https?:/);
    const named = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path);
    expect(named.length).toBe(3);
    for (const path of named) expect(await ask(url, path)).toMatchObject({ status: 200 });
  });
});
