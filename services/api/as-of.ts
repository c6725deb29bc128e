/**
 * How fresh a tenant's published figures are: as the newest run in which it did not fail.
 */

import type { AsOf } from '@tally/figures';
import { lastRun } from '@tally/figures';
import type { ClickHouse } from '@tally/platform/clickhouse';

/**
 * Null before the first run. To be asked before the snapshots are read: one published in between makes an answer fresher
 * than it says, never less fresh.
 */
export async function asOfLastRun(clickhouse: ClickHouse, tenantId: string): Promise<AsOf | null> {
  const run = await lastRun(clickhouse, tenantId);
  return run ? { computedAt: new Date(run.startedAt).toISOString(), positions: run.positions } : null;
}
