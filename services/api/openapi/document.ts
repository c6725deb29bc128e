/**
 * The OpenAPI 3.1 document, made from the tables of access and of operations.
 */
import type { AccessRules } from '@tally/access';
import { problemAnswer } from '@tally/contract';
import { z } from 'zod';
import { ACCESS_RULES } from '../access-rules.ts';
import { CSV_TABLES, type CsvTable, csvExample, FORMATS } from '../csv/index.ts';
import { OPERATIONS, type Operation } from './operations.ts';
import { refusalsOf } from './problems.ts';

type JsonObject = Record<string, unknown>;

const PROBLEM = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };

/** Of those that come on every answer to whom a limit holds. */
const LIMIT_HEADERS = {
  'RateLimit-Policy': header('how many requests in how many seconds: `3000;w=60`', 'string'),
  'RateLimit-Limit': header('how many requests in a minute', 'integer'),
  'RateLimit-Remaining': header('how many are left', 'integer'),
  'RateLimit-Reset': header('seconds until all of them are there again', 'integer'),
  'Retry-After': header('seconds after which to come again', 'integer'),
};

const TOO_MANY_REQUESTS = {
  description:
    'too many requests of this key or session, or wrong keys from this address; `too-many-requests`, `too-many-wrong-keys`',
  headers: headersNamed(Object.keys(LIMIT_HEADERS)),
  content: PROBLEM,
};

/** Of an answer to come again for. */
const RETRY_STATUSES: ReadonlySet<string> = new Set(['503']);

/** Of lists of figures as CSV. */
const CSV_HEADERS = {
  'X-Tally-As-Of': header('when the figures were worked out, as in the column `asOf`', 'string'),
  'X-Tally-Complete': header('whether these are all; `complete` in JSON', 'string'),
};
const FORMAT = {
  name: 'format',
  in: 'query',
  required: false,
  description: 'For links; `Accept: text/csv` asks for the same.',
  schema: { type: 'string', enum: [...FORMATS], default: 'json' },
};

const NOT_MODIFIED = { description: 'what `If-None-Match` names, the `ETag` of an answer before, still holds' };

/** A new one each time; a service makes it once. */
export function openApiDocument(): JsonObject {
  const paths: Record<string, JsonObject> = {};
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    const [method = '', route = ''] = name.split(' ');
    const path = route.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [method.toLowerCase()]: operationOf(name, path, operation) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tally',
      version: '1.0.0',
      description:
        'Usage of customer journeys, owned and used. Faults are problem details (RFC 9457): decide by `code`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(Object.keys(paths).map(tagOf))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'a key of `tally keys create`, or a token' },
        session: { type: 'apiKey', in: 'cookie', name: 'tally_session' },
      },
      schemas: { Problem: schemaOf(problemAnswer) },
      headers: { ...LIMIT_HEADERS, ...CSV_HEADERS },
      responses: { TooManyRequests: TOO_MANY_REQUESTS },
    },
  };
}

function operationOf(name: string, path: string, operation: Operation): JsonObject {
  const { id, summary, query, body, status = 200 } = operation;
  const rules: AccessRules = ACCESS_RULES;
  const rule = rules[name];
  const closed = rule && !('anyone' in rule) ? rule : undefined;
  return {
    operationId: id,
    summary,
    tags: [tagOf(path)],
    ...(closed ? { description: `Roles: ${closed.roles.join(', ')}.` } : {}),
    security: closed ? [{ key: [] }, { session: [] }] : [],
    parameters: [
      ...pathParameters(path),
      ...(query ? queryParameters(query) : []),
      ...(name in CSV_TABLES ? [FORMAT] : []),
    ],
    ...(body ? { requestBody: bodyOf(body) } : {}),
    responses: {
      [status]: answerOf(name, operation),
      ...(status === 201 && path.includes('/statements/') ? { 200: answerOf(name, operation) } : {}),
      ...(name.startsWith('GET /v1/') && operation.answer ? { 304: NOT_MODIFIED } : {}),
      ...(rule && 'unlimited' in rule ? {} : { 429: { $ref: '#/components/responses/TooManyRequests' } }),
      ...problemsOf(name, rule),
      default: { description: 'a problem', content: PROBLEM },
    },
  };
}

/** By status, each with its codes. */
function problemsOf(name: string, rule: AccessRules[string] | undefined): JsonObject {
  const all = Object.entries(refusalsOf(name, rule)).map(([status, codes]) => {
    const code = { type: 'string', enum: codes };
    const schema = { allOf: [{ $ref: '#/components/schemas/Problem' }, { properties: { code } }] };
    const described = {
      description: codes.map((one) => `\`${one}\``).join(', '),
      ...(RETRY_STATUSES.has(status) ? { headers: headersNamed(['Retry-After']) } : {}),
      content: { 'application/problem+json': { schema } },
    };
    return [status, described];
  });
  return Object.fromEntries(all);
}

function headersNamed(names: readonly string[]): JsonObject {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

function header(description: string, type: string): JsonObject {
  return { description, schema: { type } };
}

function pathParameters(path: string): JsonObject[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string', ...(name === 'tenantId' ? { pattern: '^[A-Za-z0-9_.:-]{1,64}$' } : {}) },
  }));
}

function queryParameters(query: z.ZodObject): JsonObject[] {
  const { properties = {}, required = [] } = schemaOf(query) as {
    properties?: Record<string, JsonObject>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));
}

function bodyOf(body: z.ZodType): JsonObject {
  const required = !body.safeParse(undefined).success;
  return { required, content: { 'application/json': { schema: schemaOf(body) } } };
}

function answerOf(name: string, { answer, files = [], summary }: Operation): JsonObject {
  const table = CSV_TABLES[name];
  const types = [
    ...(answer ? [['application/json', { schema: schemaOf(answer) }]] : []),
    ...(table ? [['text/csv', csvOf(name, table)]] : []),
    ...files.map((type) => [type, {}]),
  ];
  const headers = [...(table?.asOf ? ['X-Tally-As-Of'] : []), ...(table?.headers ? ['X-Tally-Complete'] : [])];
  return {
    description: summary,
    ...(headers.length > 0 ? { headers: headersNamed(headers) } : {}),
    ...(types.length > 0 ? { content: Object.fromEntries(types) } : {}),
  };
}

function csvOf(name: string, table: CsvTable): JsonObject {
  const description = `RFC 4180, a row a figure. Columns: ${table.columns.join(', ')}`;
  const example = csvExample(table, name.includes(':tenantId') ? 'contoso' : undefined);
  return { schema: { type: 'string', description }, example };
}

/** As it is written, before defaults and conversions; members that are not named may come. */
function schemaOf(schema: z.ZodType): JsonObject {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest;
}

function tagOf(path: string): string {
  const [, first = '', second = ''] = path.replace('/v1/tenants/{tenantId}/', '/v1/').split('/');
  return first === 'v1' ? second : first;
}
