/**
 * Lists of figures as CSV, for whoever asks `Accept: text/csv` or, in a link, `?format=csv`. A route answers what it always
 * does; the answer is written down in another form, so nothing that is kept of it can be mistaken for the other.
 */
import { Readable } from 'node:stream';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, Problem } from '@tally/platform/http';
import { csvLines } from '@tally/statements/files';
import Negotiator from 'negotiator';
import { tagOf } from '../caching.ts';
import { invalid } from '../parameters.ts';
import { type Cell, CSV_TABLES, type CsvTable } from './tables.ts';

export { CSV_TABLES, type CsvTable } from './tables.ts';

/** Written at a time, so that others are served in between. */
const ROWS_AT_ONCE = 1_000;
const TYPE = 'text/csv; charset=utf-8; header=present';
/** The first is for whoever takes anything. */
const OFFERED = ['application/json', 'text/csv', TYPE, 'text/csv; charset=utf-8', 'text/csv; header=present'];
export const FORMATS = ['json', 'csv'] as const;

type Format = (typeof FORMATS)[number];

/** For all routes of the server that it is called with. */
export function addCsv(app: FastifyInstance): void {
  app.addHook('preHandler', async (request, reply) => {
    const { url: route = '' } = request.routeOptions;
    const reads = request.method === 'GET' || request.method === 'HEAD';
    if (!reads || !route.startsWith('/v1/')) return;
    const table = CSV_TABLES[`GET ${route}`];
    if (formatOf(request, table) === 'csv' && table) {
      // Only what a route answers comes here; problems are sent as they are. The type knows text alone, streams are sent too.
      reply.serializer((answer: object) => written(answer, { table, request, reply }) as unknown as string);
    }
  });
}

/** A small table as text, for the documentation; with a tenant where it is one of a tenant. */
export function csvExample(table: CsvTable, tenantId: string | undefined): string {
  return [...linesOf(table, table.example, tenantId)].join('');
}

/** The query before the header. Throws a 400 Problem for a format that there is not, a 406 Problem for types alone. */
function formatOf({ query, headers }: FastifyRequest, table: CsvTable | undefined): Format {
  const { format } = query as { format?: unknown };
  if (format !== undefined) {
    const found = FORMATS.find((one) => one === format);
    if (!found) throw invalid(`format must be one of ${FORMATS.join(', ')}`);
    if (!table && found === 'csv') throw invalid('format must be json: this is no list of figures');
    return found;
  }
  if (!table) return 'json';
  const type = new Negotiator({ headers }).mediaType(OFFERED);
  if (type !== undefined) return type.startsWith('text/csv') ? 'csv' : 'json';
  throw new Problem({
    status: 406,
    code: 'not-acceptable',
    title: 'There is no such form of it',
    detail: 'figures come as application/json or text/csv',
  });
}

interface Asked {
  table: CsvTable;
  request: FastifyRequest;
  reply: FastifyReply;
}

function written(answer: object, { table, request, reply }: Asked): Readable {
  const { tenantId } = request.params as { tenantId?: string };
  const asOf = table.asOf?.(answer);
  reply.headers({
    'content-type': TYPE,
    'content-disposition': `attachment; filename="${nameOf(request)}"`,
    ...(asOf == null ? {} : { 'x-tally-as-of': asOf }),
    ...table.headers?.(answer),
    // As with JSON it says nothing of when it was worked out.
    etag: tagOf(request, `${table.columns.join()}\n${JSON.stringify(answer)}`),
  });
  return Readable.from(linesOf(table, answer, tenantId), { objectMode: false });
}

/** `tally-contoso-engaged-curve.csv` */
function nameOf({ routeOptions: { url = '' }, params }: FastifyRequest): string {
  const { tenantId } = params as { tenantId?: string };
  const words = url.replace('/v1/', '').replace('tenants/:tenantId', tenantId ?? '');
  return `tally-${words}.csv`.replaceAll(/[^\w.-]/g, '-');
}

/** Some lines at a time, the first with the names of the columns. */
function* linesOf(table: CsvTable, answer: object, tenantId: string | undefined): Iterable<string> {
  const before = tenantId === undefined ? [] : [tenantId];
  const after = table.asOf ? [table.asOf(answer)] : [];
  let some: (readonly Cell[])[] = [table.columns];
  for (const row of table.rows(answer)) {
    some.push([...before, ...row, ...after]);
    if (some.length < ROWS_AT_ONCE) continue;
    yield csvLines(some);
    some = [];
  }
  yield csvLines(some);
}
