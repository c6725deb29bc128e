/**
 * Issues every statement that is due: of each tenant, the months after the last one that was stated, in order.
 */
import { tenantsOnRecord } from '@tally/figures';
import { addToMonth, type Month } from '@tally/metering';
import { type IssuedMonths, issueMonth } from './issue.ts';
import type { StatementSources } from './sources.ts';
import { lastStatedMonths } from './stored.ts';
import { lastStatable } from './when.ts';

export interface Due {
  by: string;
  /** Where a tenant without a statement begins; default: with the last month that may be stated. */
  since?: Month | undefined;
  onProgress?: (done: number, total: number) => void;
}

/** Throws what issueMonth does; months before the one at fault are issued then. */
export async function issueDue(sources: StatementSources, { by, since, onProgress }: Due): Promise<IssuedMonths> {
  // What somebody proposed who did not come to store it.
  await sources.register.settle();
  const until = lastStatable(sources.clock(), sources.graceDays);
  const stated = await lastStatedMonths(sources.clickhouse);
  const months = new Map<Month, string[]>();
  let total = 0;
  for (const tenantId of await tenantsOnRecord(sources.clickhouse)) {
    const last = stated.get(tenantId);
    const first = last === undefined ? (since ?? until) : addToMonth(last, 1);
    for (let month = first; month <= until; month = addToMonth(month, 1), total++) {
      const tenants = months.get(month) ?? [];
      tenants.push(tenantId);
      months.set(month, tenants);
    }
  }
  const all: IssuedMonths = { issued: 0, before: 0, failed: [] };
  let done = 0;
  for (const [month, tenants] of [...months].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const before = done;
    const result = await issueMonth(sources, {
      tenants,
      month,
      by,
      onProgress: (now) => onProgress?.(before + now, total),
    });
    done += tenants.length;
    all.issued += result.issued;
    all.before += result.before;
    all.failed.push(...result.failed);
  }
  return all;
}
