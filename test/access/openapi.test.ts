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
