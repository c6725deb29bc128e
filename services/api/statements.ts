/**
 * Statements: issued, listed, read as JSON, CSV, XLSX and PDF, and checked.
 */
import { callerOf, tenantsOf } from '@tally/access';
import type { Month } from '@tally/metering';
import { TallyError } from '@tally/platform/errors';
import { type FastifyInstance, type FastifyReply, Problem } from '@tally/platform/http';
import {
  issueStatement,
  type Statement,
  type StatementSources,
  statementOf,
  statementSummaries,
  storedTexts,
  verifyStatements,
} from '@tally/statements';
import { csvOf, type FileRenderer } from '@tally/statements/files';
import { z } from 'zod';
import { isKnown } from './caching.ts';
import { addEvidenceRoutes } from './evidence.ts';
import { checked, isAskedMonth, month, tenantOf } from './parameters.ts';

const NAME_CHARS_MAX = 1_000;
const RETRY_AFTER_SECONDS = 30;

const json = { type: 'application/json; charset=utf-8' };

interface FileKind {
  type: string;
  of: (statement: Statement, renderer: FileRenderer) => Uint8Array | Promise<Uint8Array>;
}

const FILES: Readonly<Record<string, FileKind>> = {
  csv: { type: 'text/csv; charset=utf-8; header=present', of: csvOf },
  xlsx: {
    type: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
    of: (statement, renderer) => renderer.render(statement, 'xlsx'),
  },
  pdf: { type: 'application/pdf', of: (statement, renderer) => renderer.render(statement, 'pdf') },
};

/** `2026-03`, or with the ending of a file. */
const file = z.string().transform((text, context): { month: Month; format: string } => {
  const [month = '', format = 'json', ...more] = text.split('.');
  if (isAskedMonth(month) && (format === 'json' || format in FILES) && more.length === 0) return { month, format };
  context.addIssue(`must be a month, YYYY-MM, or a file of one: YYYY-MM.${Object.keys(FILES).join(', .')}`);
  return z.NEVER;
});
const monthAsked = z.object({ month });
export const issuingBody = z
  .strictObject({ by: z.string().trim().min(1).max(NAME_CHARS_MAX).default('admin') })
  .nullish();
export const verificationAsked = z.object({
  tenant: z
    .string()
    .regex(/^[A-Za-z0-9_.:-]{1,64}$/, 'is not a tenant id')
    .optional(),
});

/**
 * `POST /v1/tenants/{t}/statements/{YYYY-MM}` answers 201 with the statement, and 200 with the same bytes once it is
 * issued; `GET …/statements` lists them, `GET …/statements/{YYYY-MM}[.csv|.xlsx|.pdf]` reads one. The bytes of a month never
 * change, so its digest is the ETag. `GET /v1/statements/verification[?tenant=]` holds all of them against their digests,
 * one another and the topic.
 */
export function addStatementRoutes(app: FastifyInstance, sources: StatementSources, renderer: FileRenderer): void {
  const { clickhouse } = sources;

  app.post('/v1/tenants/:tenantId/statements/:month', async ({ params, body }, reply) => {
    const tenantId = tenantOf(params);
    const { month } = checked(monthAsked, params);
    const { by = 'admin' } = checked(issuingBody, body) ?? {};
    const { text, issued, statement } = await issueStatement(sources, { tenantId, month, by }).catch(refused);
    return sent(reply.code(issued ? 201 : 200), { ...json, etag: statement.digest }, text);
  });

  app.get('/v1/tenants/:tenantId/statements', async ({ params }) => ({
    statements: await statementSummaries(clickhouse, tenantOf(params)),
  }));

  app.get('/v1/tenants/:tenantId/statements/:file', async (request, reply) => {
    const tenantId = tenantOf(request.params);
    const { month, format } = checked(z.object({ file }), request.params).file;
    const { statement, text } = await requireStatement(sources, { tenantId, month });
    const of = FILES[format];
    const etag = of ? `${statement.digest}.${format}` : statement.digest;
    if (isKnown(request, `"${etag}"`)) return reply.code(304).header('etag', `"${etag}"`).send();
    if (!of) return sent(reply, { ...json, etag }, text);
    reply.header('content-disposition', `attachment; filename="tally-${tenantId}-${month}.${format}"`);
    return sent(
      reply,
      { type: of.type, etag },
      Buffer.from(await Promise.resolve(of.of(statement, renderer)).catch(refused)),
    );
  });

  addEvidenceRoutes(app, {
    clickhouse,
    statementOf: async (tenantId, month) => (await requireStatement(sources, { tenantId, month })).statement,
  });

  app.get('/v1/statements/verification', async (request) => {
    const { tenant } = checked(verificationAsked, request.query);
    const { scope } = callerOf(request);
    const seen = scope === '*' ? undefined : tenantsOf(scope);
    return verifyStatements(sources, tenant === undefined ? seen : [tenant]);
  });
}

/** A tenant's statement of a month. Throws a 404 Problem where it has none. */
async function requireStatement(
  { clickhouse }: Pick<StatementSources, 'clickhouse'>,
  { tenantId, month }: { tenantId: string; month: Month },
): Promise<{ statement: Statement; text: string }> {
  const text = (await storedTexts(clickhouse, { tenants: [tenantId], month })).get(tenantId);
  if (text !== undefined) return { statement: statementOf(text), text };
  const detail = `${tenantId} has no statement of ${month}`;
  throw new Problem({ status: 404, code: 'statement-not-issued', title: 'No such statement', detail });
}

/** Bytes, since the framework adds to the type of text. */
function sent(
  reply: FastifyReply,
  { type, etag }: { type: string; etag: string },
  body: string | Buffer,
): FastifyReply {
  return reply
    .header('content-type', type)
    .header('etag', `"${etag}"`)
    .send(typeof body === 'string' ? Buffer.from(body) : body);
}

const REFUSALS: Readonly<Record<string, { status: number; code: string; title: string }>> = {
  TENANT_UNKNOWN: { status: 404, code: 'tenant-unknown', title: 'Nothing is known of the tenant' },
  STATEMENT_TOO_EARLY: { status: 409, code: 'statement-too-early', title: 'The month cannot be stated yet' },
  STATEMENT_TOO_LARGE: { status: 422, code: 'statement-too-large', title: 'The statement is too large to be kept' },
  RENDERER_BUSY: { status: 503, code: 'files-busy', title: 'Too many files are being made' },
  STATEMENT_LOG_UNREAD: { status: 503, code: 'statement-log-unread', title: 'Events of the month are not counted yet' },
  STATEMENT_OVERTAKEN: { status: 503, code: 'statement-overtaken', title: 'Others are issuing statements' },
};

function refused(error: unknown): never {
  const refusal = error instanceof TallyError ? REFUSALS[error.code] : undefined;
  if (!(error instanceof TallyError) || !refusal) throw error;
  const headers = refusal.status === 503 ? { headers: { 'retry-after': String(RETRY_AFTER_SECONDS) } } : {};
  throw new Problem({ ...refusal, detail: error.message, cause: error, ...headers });
}
