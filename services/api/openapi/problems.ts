/**
 * With which codes a call may be refused, for the document. A test holds what the api answers against it.
 */
import type { AccessRule } from '@tally/access';
import { CSV_TABLES } from '../csv/index.ts';
import { isKept } from '../keep-routes.ts';

/** Status → codes. */
export type Refusals = Record<number, readonly string[]>;

/** Whatever is asked: while it starts or stops, and when ClickHouse is away. */
const ALWAYS: Refusals = { 500: ['internal'], 503: ['shutting-down', 'unavailable'] };
const OF_HTTP: Refusals = { 400: ['invalid-request', 'invalid-url'] };
/** A part of the path is too long. */
const OF_PATHS: Refusals = { 414: ['invalid-url'] };
const OF_BODIES: Refusals = {
  400: ['invalid-parameter', 'invalid-json'],
  413: ['body-too-large'],
  415: ['unsupported-media-type'],
};
const LINES: Refusals = { 400: ['invalid-lines'] };
const OVERTAKEN: Refusals = { 409: ['version-overtaken'] };
const NO_STATEMENT: Refusals = { 404: ['statement-not-issued'] };
const NO_ROWS: Refusals = { ...NO_STATEMENT, 410: ['evidence-not-kept'] };
const NO_KAFKA: Refusals = { 503: ['kafka-unavailable'] };

/** Of single calls. */
const OWN: Readonly<Record<string, readonly Refusals[]>> = {
  'GET /health/ready': [{ 503: ['not-ready'] }],
  'POST /v1/session': [{ 401: ['unauthorized'], 403: ['role-forbidden', 'foreign-origin'] }],
  'GET /v1/tenants/:tenantId/unified/explain': [{ 404: ['unknown-record'] }],
  'PUT /v1/tenants/:tenantId/licences': [LINES, OVERTAKEN],
  'PUT /v1/tenants/:tenantId/environments': [LINES, OVERTAKEN],
  'PUT /v1/tenants/:tenantId/alert-rules': [LINES],
  'POST /v1/tenants/:tenantId/alert-rules/dry-run': [LINES],
  'PUT /v1/alerts/rules': [LINES],
  'PUT /v1/alerts/targets': [OVERTAKEN],
  'POST /v1/tenants/:tenantId/statements/:month': [
    {
      404: ['tenant-unknown'],
      409: ['statement-too-early'],
      422: ['statement-too-large'],
      503: ['statement-log-unread', 'statement-overtaken'],
    },
  ],
  'GET /v1/tenants/:tenantId/statements/:file': [NO_STATEMENT, { 503: ['files-busy'] }],
  'GET /v1/tenants/:tenantId/statements/:month/explain': [NO_ROWS],
  'GET /v1/tenants/:tenantId/statements/:month/rows': [NO_ROWS],
  'GET /v1/tenants/:tenantId/statements/:month/rows.csv': [NO_ROWS],
  'GET /v1/tenants/:tenantId/statements/:month/rows.ndjson': [NO_ROWS],
  'GET /v1/tenants/:tenantId/statements/:month/rows.parquet': [NO_ROWS],
  'POST /v1/alerts/:alertId/acknowledgements': [{ 404: ['alert-unknown'] }],
  'DELETE /v1/alerts/silences/:silenceId': [{ 404: ['silence-unknown'], 409: ['silence-over'] }],
  'POST /v1/alerts/targets/:targetId/test': [{ 404: ['target-unknown'] }],
  'GET /v1/ledger': [NO_KAFKA],
  'GET /v1/dead-letters': [NO_KAFKA, { 503: ['dead-letters-unread'] }],
  'DELETE /v1/keys/:keyId': [{ 404: ['key-unknown'] }],
};

/** All codes of a call but 429's, by status, ascending. */
export function refusalsOf(name: string, rule: AccessRule | undefined): Refusals {
  const [method = '', path = ''] = name.split(' ');
  const closed = rule !== undefined && !('anyone' in rule);
  const takesBody = method !== 'GET';
  const some: Refusals[] = [
    ALWAYS,
    OF_HTTP,
    ...(path.startsWith('/v1/') ? [{ 400: ['invalid-parameter'] }] : []),
    ...(path.includes(':') ? [OF_PATHS] : []),
    ...(takesBody ? [OF_BODIES] : []),
    ...(closed ? [{ 401: ['unauthorized'], 403: forbidden(takesBody) }] : []),
    ...(name in CSV_TABLES ? [{ 406: ['not-acceptable'] }] : []),
    ...(isKept(path) && method === 'GET' ? [{ 503: ['busy'] }] : []),
    ...(OWN[name] ?? []),
  ];
  const all = new Map<number, Set<string>>();
  for (const [status, codes] of some.flatMap((one) => Object.entries(one))) {
    all.set(Number(status), new Set([...(all.get(Number(status)) ?? []), ...codes]));
  }
  return Object.fromEntries([...all].map(([status, codes]) => [status, [...codes].sort()]));
}

/** Only what changes something can be forged by another site. */
function forbidden(changes: boolean): string[] {
  return ['role-forbidden', 'tenant-forbidden', ...(changes ? ['foreign-origin'] : [])];
}
