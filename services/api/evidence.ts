/**
 * What is behind a figure of a statement: how it is made, its rows page by page, and all of them as a file.
 */
import { Readable } from 'node:stream';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import { type FastifyInstance, type FastifyReply, Problem } from '@tally/platform/http';
import { CHANNELS } from '@tally/schemas';
import type { Statement } from '@tally/statements';
import {
  EVIDENCE_FIGURES,
  EXPORT_FORMATS,
  type ExportFormat,
  explain,
  exportRows,
  PAGE_ROWS_MAX,
  page,
} from '@tally/statements/evidence';
import { z } from 'zod';
import { checked, day, invalid, month, tenantOf } from './parameters.ts';

interface EvidenceRouteOptions {
  clickhouse: ClickHouse;
  /** Throws a 404 Problem where there is no such statement. */
  statementOf: (tenantId: string, month: string) => Promise<Statement>;
}

const PAGE_ROWS_DEFAULT = 1_000;
const CURSOR_CHARS_MAX = 100;

const part = {
  figure: z.enum(EVIDENCE_FIGURES),
  environment: z.string().min(1).max(64).optional(),
  channel: z.enum(CHANNELS).optional(),
  day: day.optional(),
};
export const figureAsked = z.object(part);
export const rowsAsked = z.object({
  ...part,
  after: z.string().min(1).max(CURSOR_CHARS_MAX).optional(),
  limit: z.coerce.number().int().min(1).max(PAGE_ROWS_MAX).default(PAGE_ROWS_DEFAULT),
});
const path = z.object({ month });

const CONTENT_TYPES: Readonly<Record<ExportFormat, string>> = {
  csv: 'text/csv; charset=utf-8; header=present',
  parquet: 'application/vnd.apache.parquet',
  ndjson: 'application/x-ndjson',
};

/** `GET /v1/tenants/{t}/statements/{month}/explain`, `…/rows`, and `…/rows.csv`, `.parquet`, `.ndjson`. */
export function addEvidenceRoutes(app: FastifyInstance, { clickhouse, statementOf }: EvidenceRouteOptions): void {
  const of = (params: unknown): Promise<Statement> => statementOf(tenantOf(params), checked(path, params).month);
  const base = '/v1/tenants/:tenantId/statements/:month';

  app.get(`${base}/explain`, async ({ params, query }) => {
    const asked = checked(figureAsked, query);
    const statement = await of(params);
    return asProblem(explain(clickhouse, { statement, ...asked }));
  });

  app.get(`${base}/rows`, async ({ params, query }) => {
    const asked = checked(rowsAsked, query);
    const statement = await of(params);
    return asProblem(page(clickhouse, { statement, ...asked }));
  });

  for (const format of EXPORT_FORMATS) {
    app.get(`${base}/rows.${format}`, async ({ params, query }, reply) => {
      const asked = checked(figureAsked, query);
      const statement = await of(params);
      const { rows, counted, content } = await asProblem(exportRows(clickhouse, { statement, ...asked }, format));
      const name = `${statement.tenantId}-${statement.month}-${asked.figure}.${format}`.replaceAll(/[^\w.-]/g, '_');
      reply.headers({
        'content-type': CONTENT_TYPES[format],
        'content-disposition': `attachment; filename="${name}"`,
        'x-tally-rows': rows,
        'x-tally-counted': counted,
      });
      return streamed(reply, content);
    });
  }
}

/**
 * What is read is sent, as fast as the client takes it. Once the first bytes are away an error can only cut the
 * connection, so the first ones are waited for.
 */
async function streamed(reply: FastifyReply, content: AsyncGenerator<Buffer>): Promise<FastifyReply> {
  const first = await content.next();
  async function* all(): AsyncGenerator<Buffer> {
    if (first.done) return;
    yield first.value;
    yield* content;
  }
  return reply.send(Readable.from(all(), { objectMode: false }));
}

/** What is wrong with the question is told as such; the rest is thrown on. */
async function asProblem<Answer>(answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer;
  } catch (cause) {
    const { code, message } = cause instanceof TallyError ? cause : { code: '', message: '' };
    if (code === 'NARROWING_INVALID' || code === 'CURSOR_INVALID') throw invalid(message);
    if (code !== 'EVIDENCE_NOT_KEPT') throw cause;
    const title = 'What the figure was made from is not kept';
    throw new Problem({ status: 410, code: 'evidence-not-kept', title, detail: message, cause });
  }
}
