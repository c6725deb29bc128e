/**
 * Checks statements: each against its digest, each tenant's against one another, and the table against the topic.
 */
import { monthOf } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import { Chains } from './chain.ts';
import { digestOf, statementOf, textOf } from './digest.ts';
import type { Statement } from './document.ts';
import type { StatementRegister } from './register.ts';

export const STATEMENT_FAULTS = {
  unreadable: 'it is no statement any more',
  digest: 'its content does not have the digest that it names',
  columns: 'the columns beside the document say something else',
  number: 'a statement before it is missing',
  previous: 'it does not follow the statement before it',
  missing: 'the topic has it, the table does not',
  unknown: 'the table has it, the topic does not',
  differs: 'the topic has another one',
} as const;

export type StatementFaultKind = keyof typeof STATEMENT_FAULTS;

export interface StatementFault {
  tenantId: string;
  /** Of the tenant's statements. */
  number: number;
  /** YYYY-MM. */
  month: string;
  fault: StatementFaultKind;
}

export interface StatementVerification {
  /** How many the table has. */
  statements: number;
  /** How many hold by the topic. */
  inTopic: number;
  faults: StatementFault[];
}

interface Row {
  tenant_id: string;
  number: number;
  of: string;
  digest: string;
  previous_digest: string;
  document: string;
}

/** Of some tenants, or of all. Reads the whole topic; memory is a digest a statement. Throws what Kafka and ClickHouse do. */
export async function verifyStatements(
  { clickhouse, register }: { clickhouse: ClickHouse; register: StatementRegister },
  tenants?: readonly string[],
): Promise<StatementVerification> {
  const asked = tenants && new Set(tenants);
  const held = new Map<string, Pick<Statement, 'tenantId' | 'number' | 'month' | 'digest'>>();
  const chains = new Chains();
  await register.read(0n, ({ statement }) => {
    if (asked && !asked.has(statement.tenantId)) return;
    if (!chains.follow(statement)) return;
    const { tenantId: of, number, month, digest } = statement;
    held.set(nameOf(of, number), { tenantId: of, number, month, digest });
  });
  const faults: StatementFault[] = [];
  let statements = 0;
  let before: Row | undefined;
  const seen = new Set<string>();
  for await (const row of rowsOf(clickhouse, tenants)) {
    statements++;
    const tell = (fault: StatementFaultKind): void => {
      faults.push({ tenantId: row.tenant_id, number: row.number, month: monthOf(row.of), fault });
    };
    const previous = before?.tenant_id === row.tenant_id ? before : undefined;
    for (const fault of [...documentFaults(row), ...chainFaults(row, previous)]) tell(fault);
    const name = nameOf(row.tenant_id, row.number);
    const inTopic = held.get(name);
    if (!inTopic) tell('unknown');
    else if (inTopic.digest !== row.digest) tell('differs');
    seen.add(name);
    before = row;
  }
  for (const [name, { tenantId: of, number, month }] of held) {
    if (!seen.has(name)) faults.push({ tenantId: of, number, month, fault: 'missing' });
  }
  return { statements, inTopic: held.size, faults };
}

function nameOf(tenantId: string, number: number): string {
  return `${tenantId}/${number}`;
}

function documentFaults(row: Row): StatementFaultKind[] {
  try {
    const statement = statementOf(row.document);
    const faults: StatementFaultKind[] = [];
    // The text itself, so that something added to it shows as well.
    const content = JSON.parse(row.document) as Statement;
    if (digestOf(content) !== statement.digest || textOf(content) !== row.document) faults.push('digest');
    const { tenantId, number, month, digest, previousDigest } = statement;
    const columns = [row.tenant_id, row.number, monthOf(row.of), row.digest, row.previous_digest];
    const said = [tenantId, number, month, digest, previousDigest ?? ''];
    if (columns.some((column, index) => column !== said[index])) faults.push('columns');
    return faults;
  } catch (error) {
    if (error instanceof TallyError && error.code === 'STATEMENT_UNREADABLE') return ['unreadable'];
    throw error;
  }
}

function chainFaults(row: Row, previous: Row | undefined): StatementFaultKind[] {
  if (row.number !== (previous?.number ?? 0) + 1) return ['number'];
  return row.previous_digest === (previous?.digest ?? '') ? [] : ['previous'];
}

async function* rowsOf(clickhouse: ClickHouse, tenants: readonly string[] | undefined): AsyncGenerator<Row> {
  const rows = clickhouse.stream<
    [tenant: string, number: number, of: string, digest: string, previous: string, document: string]
  >(
    `SELECT tenant_id, number, toString(month), digest, previous_digest, document
     FROM statements FINAL
     WHERE {all:Bool} OR tenant_id IN {tenants:Array(String)}
     ORDER BY tenant_id, number, digest`,
    { all: tenants === undefined, tenants: tenants ?? [] },
  );
  for await (const [tenant_id, number, of, digest, previous_digest, document] of rows) {
    yield { tenant_id, number, of, digest, previous_digest, document };
  }
}
