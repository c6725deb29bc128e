/**
 * Statements of a written log: issued up to where it was written, though no consumer committed it.
 */
import type { Month } from '@tally/metering';
import { createLog } from '@tally/platform/log';
import { issueStatement, type Statement, statementSources } from '@tally/statements';
import { expect } from 'vitest';
import { eventually, type TestSystem } from './system.ts';
import type { WrittenLog } from './written-log.ts';

/** More events than any socket's buffer takes of them as rows. */
export const EVENTS_OF_LARGE = 400_000;
/** Behind those of the log, which has fewer. */
const FIRST_OF_LARGE = 1_000;
const GRACE_DAYS = 3;

const LARGE_ROWS = `
  INSERT INTO ingest (position, outcome, tenant_id, environment_id, entity_id, entity_key, event_id, event_key, occurred_at)
  SELECT
    bitShiftLeft(toUInt64(1), 56) + ${FIRST_OF_LARGE} + number, 'counted', {tenantId:String}, 'prod', toString(cityHash64(number)),
    number, toString(sipHash64(number)), 10000 + number, toDateTime64('2026-03-05 00:00:00', 3, 'UTC') + number
  FROM numbers(${EVENTS_OF_LARGE})`;

/** Writes a March 2026 of many events for a tenant. Returns the positions of a log that ends with them. */
export async function writeLargeMonth(
  { clickhouse, topics }: TestSystem,
  { log, tenantId }: { log: WrittenLog; tenantId: string },
): Promise<Record<string, number>> {
  await clickhouse.command(LARGE_ROWS, { tenantId });
  return { ...log.positions(), [`${topics.interactions}/0`]: FIRST_OF_LARGE + EVENTS_OF_LARGE };
}

/** Issues statements of a month as at `now`, milliseconds UTC, in the order of the tenants. */
export async function issueWritten(
  { kafka, admin, clickhouse, topics, groupId }: TestSystem,
  asked: { tenants: readonly string[]; month: Month; now: number; positions: Record<string, number>; by: string },
): Promise<Statement[]> {
  const { tenants, month, now, positions, by } = asked;
  const log = createLog('test', 'silent');
  const of = { kafka, admin, clickhouse, topics, groupId };
  const made = statementSources({ ...of, graceDays: GRACE_DAYS, clock: () => now, log });
  const sources = { ...made, positions: async () => positions };
  const statements: Statement[] = [];
  try {
    for (const tenantId of tenants) {
      // Kafka may just have been started.
      statements.push((await eventually(() => issueStatement(sources, { tenantId, month, by }))).statement);
    }
  } finally {
    await made.close();
  }
  return statements;
}

/**
 * Stops the export that runs in ClickHouse, as soon as it does. Resolves when it is marked as stopped; `ended` does when it
 * is over, for which somebody has to take what it was sending.
 */
export async function stopExport({ clickhouse }: TestSystem): Promise<{ ended: Promise<void> }> {
  const exporting = `query LIKE '%formatRow%' AND query NOT LIKE '%system.processes%' AND query NOT LIKE 'KILL%'
    AND current_database = currentDatabase()`;
  const running = async (): Promise<string> => {
    const sql = `SELECT count() AS running FROM system.processes WHERE ${exporting} AND NOT is_cancelled`;
    return (await clickhouse.queryOne<{ running: string }>(sql)).running;
  };
  await eventually(async () => expect(await running()).toBe('1'));
  const ended = clickhouse.command(`KILL QUERY WHERE ${exporting}`);
  await eventually(async () => expect(await running()).toBe('0'));
  return { ended };
}
