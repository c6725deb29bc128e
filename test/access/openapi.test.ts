/**
 * The document for integrators: valid by a public validator, complete, and with nothing that other hosts are asked for.
 */
import { Validator } from '@seriousme/openapi-schema-validator';
import { ACCESS_RULES, OPERATIONS, type Operation, openApiDocument } from '@tally/api';
import { expect, it } from 'vitest';

const document = openApiDocument();
const operations = Object.values(document['paths'] as Record<string, Record<string, Record<string, unknown>>>).flatMap(
  (methods) => Object.values(methods),
);

it('is valid OpenAPI 3.1', async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(document));
  expect(errors ?? []).toEqual([]);
  expect({ valid, version: validator.version }).toEqual({ valid: true, version: '3.1' });
});

it('is refused by the validator when it is wrong', async () => {
  const wrong = structuredClone(document) as { paths: Record<string, object> };
  wrong.paths['/v1/tenants'] = { get: { responses: 'none' } };
  expect((await new Validator().validate(wrong)).valid).toBe(false);
});

it('describes every route but probes and files', () => {
  const missing = Object.keys(ACCESS_RULES).filter((name) => !Object.hasOwn(OPERATIONS, name));
  expect(missing).toEqual(['GET /metrics', 'GET /openapi.json', 'GET /docs', 'GET /*']);
});

it('gives every call a name of its own, and says which need a key', () => {
  const ids = operations.map(({ operationId }) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
  const open = operations.filter(({ security }) => (security as []).length === 0).map(({ operationId }) => operationId);
  expect(open).toEqual(['isLive', 'isReady', 'beginSession']);
});

it('says of every call but probes that there may be too many of them, and how that is told', () => {
  const unlimited = operations
    .filter(({ responses }) => !Object.hasOwn(responses as object, '429'))
    .map(({ operationId }) => operationId);
  expect(unlimited).toEqual(['isLive', 'isReady']);
  const { headers, responses } = document['components'] as Record<string, Record<string, Record<string, unknown>>>;
  const named = Object.keys(responses?.['TooManyRequests']?.['headers'] ?? {});
  expect(named).toContain('Retry-After');
  expect(Object.keys(headers ?? {})).toEqual(expect.arrayContaining(named));
});

it('says what every answer of figures is made of', () => {
  const loose = Object.entries(OPERATIONS)
    .filter(([name, { answer }]: [string, Operation]) => name.includes('/v1/') && answer?.safeParse({}).success)
    .map(([name]) => name);
  expect(loose).toEqual([]);
});

interface Content {
  /** Of a problem. */
  schema: { allOf: [unknown, { properties: { code: { enum: string[] } } }] };
  example?: string;
}

const contentOf = (id: string, status: number): Record<string, Content> => {
  const { responses } = operations.find(({ operationId }) => operationId === id) ?? expect.fail(id);
  return (responses as Record<number, { content?: Record<string, Content> }>)[status]?.content ?? {};
};

it.each([
  ['overview', 'tenant,figure,dimension,key,value,unit,text,asOf'],
  ['interactions', 'tenant,month,dimension,key,value,unit,policy,asOf'],
  ['engagedCurve', 'tenant,day,dimension,key,value,unit,policy,asOf'],
  ['unifiedHistory', 'tenant,day,dimension,key,value,unit,asOf'],
  ['published', 'tenant,meter,period,computedAt,dimension,key,value,unit,policy,runId,asOf'],
  ['quota', 'tenant,on,figure,dimension,key,value,unit,text,policy,asOf'],
  ['statements', 'tenant,month,number,figure,dimension,key,value,unit,issuedAt,issuedBy,digest'],
])('shows how %s looks as CSV: columns keep their names and places', (id, columns) => {
  const [header = '', ...rows] = (contentOf(id, 200)['text/csv']?.example ?? '').trimEnd().split('\r\n');
  expect(header).toBe(columns);
  expect(rows.length).toBeGreaterThan(0);
  for (const row of rows) expect(row.split(',')).toHaveLength(columns.split(',').length);
});

it('shows as CSV what can be asked for as such, and nothing else', () => {
  const asked = operations.filter(({ parameters }) =>
    (parameters as { name: string }[]).some((one) => one.name === 'format'),
  );
  const shown = operations.filter(({ operationId }) => contentOf(String(operationId), 200)['text/csv']?.example);
  expect(asked.map(({ operationId }) => operationId)).toEqual(shown.map(({ operationId }) => operationId));
  expect(asked).toHaveLength(7);
});

it.each([
  ['interactions', 503, 'busy'],
  ['interactions', 406, 'not-acceptable'],
  ['statement', 503, 'files-busy'],
  ['issueStatement', 503, 'statement-log-unread'],
  ['deadLetters', 503, 'dead-letters-unread'],
  ['ledger', 503, 'kafka-unavailable'],
  ['changeLicences', 409, 'version-overtaken'],
  ['isReady', 503, 'not-ready'],
])('says that %s may be refused with %i %s', (id, status, code) => {
  const { schema } = contentOf(id, status)['application/problem+json'] ?? expect.fail('no problem');
  expect(schema.allOf[1].properties.code.enum).toContain(code);
});

interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
  required?: string[];
}

it.each([
  ['changeLicences', 'licences', ['sku', 'quantity', 'startsOn']],
  ['changeEnvironments', 'environments', ['id', 'name', 'type', 'geo', 'startsOn']],
])('says what %s takes', (id, list, required) => {
  const { requestBody } = operations.find(({ operationId }) => operationId === id) ?? expect.fail(id);
  const { schema } = (requestBody as { content: Record<string, { schema: Schema }> }).content['application/json'] ?? {};
  expect(schema?.required).toContain(list);
  expect(schema?.properties?.[list]?.items?.required).toEqual(required);
});

it('says of what a published figure is made up', () => {
  const { schema } = contentOf('published', 200)['application/json'] ?? expect.fail('no answer');
  const { breakdown } = (schema as Schema).properties?.['published']?.items?.properties ?? {};
  expect(breakdown?.anyOf?.map(({ required }) => required)).toEqual([
    ['byChannel', 'byEnvironment'],
    ['byEnvironment', 'byEntityType'],
    ['byEnvironment', 'recordsByEnvironment'],
  ]);
});
