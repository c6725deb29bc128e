/**
 * Issues statements: works out what they say, proposes them to the register, and tells what holds. A month that has its
 * statement keeps it, however often it is asked for.
 */
import { type Bounds, currentBounds, tenantIsOnRecord } from '@tally/figures';
import { type Day, lastDayOf, type Month, policyDecided } from '@tally/metering';
import { messageOf, TallyError } from '@tally/platform/errors';
import { drawUp } from './content.ts';
import { sealed, statementOf } from './digest.ts';
import type { Statement, StatementContent } from './document.ts';
import { type OnRecord, onRecord } from './on-record.ts';
import { firstDayToLookAt } from './reopened.ts';
import type { StatementSources } from './sources.ts';
import { storedTexts } from './stored.ts';
import { usageOf } from './usage.ts';
import { requireLogRead, requireStatable } from './when.ts';

export interface Issued {
  statement: Statement;
  /** The statement's bytes, as they are kept. */
  text: string;
  /** False where it had been issued before, or by somebody else at the same time. */
  issued: boolean;
}

interface Batch {
  tenants: readonly string[];
  month: Month;
  by: string;
  /** Leaves out tenants of which there is nothing to say: no usage, no licence, nothing stated before. */
  onlyWithContent: boolean;
}

/** Proposals by others in between, after which a statement is given up for now. */
const ATTEMPTS_MAX = 5;

/**
 * Issues a tenant's statement of a month, or gives the one there is. Throws `TENANT_UNKNOWN`, `STATEMENT_TOO_EARLY`,
 * `STATEMENT_LOG_UNREAD`, `STATEMENT_OVERTAKEN`, and what Kafka and ClickHouse throw.
 */
export async function issueStatement(
  sources: StatementSources,
  { tenantId, month, by }: { tenantId: string; month: Month; by: string },
): Promise<Issued> {
  if (!(await tenantIsOnRecord(sources.clickhouse, tenantId))) {
    const message = `nothing is known of a tenant ${tenantId}: no event, no profile, no licence`;
    throw new TallyError(message, { code: 'TENANT_UNKNOWN', retriable: false });
  }
  const issued = await issueBatch(sources, { tenants: [tenantId], month, by, onlyWithContent: false });
  const [own] = issued.values();
  if (own) return own;
  throw new TallyError(`statements of ${tenantId} are being issued by others`, {
    code: 'STATEMENT_OVERTAKEN',
    retriable: true,
  });
}

/** Tenant → what holds; a tenant that is absent had nothing to say, or was overtaken too often. */
export async function issueBatch(sources: StatementSources, asked: Batch): Promise<Map<string, Issued>> {
  const { clickhouse, admin, topics, graceDays, clock, register } = sources;
  const { month } = asked;
  requireStatable(month, { now: clock(), graceDays });
  const found = issuedOf(await storedTexts(clickhouse, asked), new Set());
  let open = asked.tenants.filter((tenantId) => !found.has(tenantId));
  for (let attempt = 1; open.length > 0 && attempt <= ATTEMPTS_MAX; attempt++) {
    const bounds = await currentBounds(clickhouse, sources.positions);
    const { positions } = bounds;
    await requireLogRead({ admin, topics: [topics.interactions, topics.profiles] }, { month, graceDays, positions });
    const drawn = (await drawUpAll(sources, { ...asked, tenants: open }, bounds)).map(sealed);
    if (drawn.length === 0) break;
    await register.propose(drawn);
    const own = new Set(drawn.map(({ digest }) => digest));
    const held = issuedOf(await storedTexts(clickhouse, { tenants: open, month }), own);
    for (const [tenantId, one] of held) found.set(tenantId, one);
    open = drawn.map(({ tenantId }) => tenantId).filter((tenantId) => !held.has(tenantId));
  }
  return found;
}

function issuedOf(texts: ReadonlyMap<string, string>, own: ReadonlySet<string>): Map<string, Issued> {
  return new Map(
    [...texts].map(([tenantId, text]) => {
      const statement = statementOf(text);
      return [tenantId, { statement, text, issued: own.has(statement.digest) }];
    }),
  );
}

async function drawUpAll(sources: StatementSources, asked: Batch, bounds: Bounds): Promise<StatementContent[]> {
  const { clickhouse, topics, clock } = sources;
  const { month, by } = asked;
  const topic = topics.interactions;
  const records = await onRecord(clickhouse, asked.tenants);
  const groups = new Map<string, Together>();
  for (const [tenantId, record] of records) {
    const from = await firstDayToLookAt(clickhouse, { tenantId, month, record, topic });
    const name = JSON.stringify([from, policyDecided(record.decisions)]);
    const group = groups.get(name) ?? { from, tenants: [] };
    group.tenants.push({ tenantId, record });
    groups.set(name, group);
  }
  const to = lastDayOf(month);
  const drawn: StatementContent[] = [];
  for (const { from, tenants } of groups.values()) {
    const policies = tenants[0]?.record.policies;
    if (!policies) continue;
    const ids = tenants.map(({ tenantId }) => tenantId);
    const usages = await usageOf(clickhouse, { tenants: ids, from, to, policies, bounds, topic });
    for (const { tenantId, record } of tenants) {
      const usage = usages.get(tenantId);
      if (!usage) continue;
      const last = record.statements.at(-1);
      const follows = { number: last?.number ?? 0, digest: last?.digest ?? null };
      const issuedAt = clock();
      const content = drawUp({ tenantId, month, record, usage, from, bounds, follows, issuedAt, issuedBy: by });
      if (!asked.onlyWithContent || hasContent(content)) drawn.push(content);
    }
  }
  return drawn;
}

interface Together {
  from: Day;
  tenants: { tenantId: string; record: OnRecord }[];
}

function hasContent(content: StatementContent): boolean {
  const { number, interactions, engagedPeople, unifiedPeople, licences } = content;
  const used = interactions.used + engagedPeople.peak.used + unifiedPeople.peak.used;
  return used > 0 || licences.length > 0 || number > 1;
}

export interface IssuedMonths {
  issued: number;
  /** Had their statement already, or got it from somebody else at the same time. */
  before: number;
  failed: { tenantId: string; code: string; message: string }[];
}

/** Tenants worked out together. */
const TENANTS_PER_BATCH = 128;

/**
 * Issues a month for many tenants. A tenant that fails keeps no other from its statement; what fails for all, such as a
 * database that is away, is thrown.
 */
export async function issueMonth(
  sources: StatementSources,
  { onProgress, ...asked }: Omit<Batch, 'onlyWithContent'> & { onProgress?: (done: number) => void },
): Promise<IssuedMonths> {
  const result: IssuedMonths = { issued: 0, before: 0, failed: [] };
  const issue = async (tenants: readonly string[]): Promise<void> => {
    try {
      for (const { issued } of (await issueBatch(sources, { ...asked, tenants, onlyWithContent: true })).values()) {
        result[issued ? 'issued' : 'before']++;
      }
    } catch (error) {
      const [tenantId = '', second] = tenants;
      if (!(error instanceof TallyError) || error.retriable) throw error;
      if (second === undefined) result.failed.push({ tenantId, code: error.code, message: messageOf(error) });
      else for (const one of tenants) await issue([one]);
    }
  };
  for (let at = 0; at < asked.tenants.length; at += TENANTS_PER_BATCH) {
    const batch = asked.tenants.slice(at, at + TENANTS_PER_BATCH);
    await issue(batch);
    onProgress?.(at + batch.length);
  }
  return result;
}
