/**
 * Statements as ClickHouse has them: what their topic holds, made findable.
 */
import { firstDayOf, type Month } from '@tally/metering';
import { type ClickHouse, dateTime64 } from '@tally/platform/clickhouse';
import { statementOf, textOf } from './digest.ts';
import type { Statement } from './document.ts';

/** A statement and where it stands in the topic. */
export interface PlacedStatement {
  offset: bigint;
  statement: Statement;
}

/** Every statement of each of some tenants, by number. Throws `STATEMENT_UNREADABLE`. */
export async function storedStatements(
  clickhouse: ClickHouse,
  tenants: readonly string[],
): Promise<Map<string, Statement[]>> {
  const rows = await clickhouse.query<{ tenant_id: string; document: string }>(
    `SELECT tenant_id, document
     FROM statements FINAL
     WHERE tenant_id IN {tenants:Array(String)}
     ORDER BY tenant_id, number`,
    { tenants: [...tenants] },
  );
  const byTenant = Map.groupBy(rows, ({ tenant_id }) => tenant_id);
  return new Map([...byTenant].map(([tenantId, own]) => [tenantId, own.map(({ document }) => statementOf(document))]));
}

/** The text of each tenant's statement of a month, as it was issued; absent where there is none. */
export async function storedTexts(
  clickhouse: ClickHouse,
  { tenants, month }: { tenants: readonly string[]; month: Month },
): Promise<Map<string, string>> {
  const rows = await clickhouse.query<{ tenant_id: string; document: string }>(
    `SELECT tenant_id, document
     FROM statements
     WHERE tenant_id IN {tenants:Array(String)} AND month = {month:Date}
     ORDER BY tenant_id, number
     LIMIT 1 BY tenant_id`,
    { tenants: [...tenants], month: firstDayOf(month) },
  );
  return new Map(rows.map(({ tenant_id, document }) => [tenant_id, document]));
}

/** The last month that was stated of each tenant that has a statement. */
export async function lastStatedMonths(clickhouse: ClickHouse): Promise<Map<string, Month>> {
  const rows = await clickhouse.query<{ tenant_id: string; last: string }>(
    'SELECT tenant_id, toString(max(month)) AS last FROM statements GROUP BY tenant_id',
  );
  return new Map(rows.map(({ tenant_id, last }) => [tenant_id, last.slice(0, 7)]));
}

/** The first offset of the topic that is not behind a stored statement. */
export async function storedUpTo(clickhouse: ClickHouse): Promise<bigint> {
  const { next } = await clickhouse.queryOne<{ next: string }>(
    'SELECT if(count() = 0, 0, max(log_offset) + 1) AS next FROM statements',
  );
  return BigInt(next);
}

/** In one insert, so that all of them are there or none is; one that is there already stays one. */
export async function storeStatements(clickhouse: ClickHouse, statements: readonly PlacedStatement[]): Promise<void> {
  await clickhouse.insert(
    'statements',
    statements.map(({ offset, statement }) => ({
      tenant_id: statement.tenantId,
      number: statement.number,
      month: firstDayOf(statement.month),
      issued_at: dateTime64(Date.parse(statement.issuedAt)),
      digest: statement.digest,
      previous_digest: statement.previousDigest ?? '',
      log_offset: String(offset),
      document: textOf(statement),
    })),
  );
}
