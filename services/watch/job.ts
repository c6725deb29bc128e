/**
 * The job that looks for alerts. Its runs are in the run log: the last that succeeded says what the next one may leave out.
 */
import { type Due, loggedRun } from '@tally/aggregator';
import { lastSucceeded, type Run } from '@tally/figures';
import { tenantsToWatch } from './due.ts';
import type { PipelineSources } from './pipeline.ts';
import { type WatchOptions, watch } from './watch.ts';

export const ALERTS_JOB = 'alerts';

export interface LookOptions extends PipelineSources, Pick<WatchOptions, 'checkpoint' | 'onObserved'> {
  /** Why it runs; default: asked for. */
  due?: Due | undefined;
  clock: () => number;
}

/** Throws while ClickHouse is away: the job comes again, and nothing that was decided is lost. */
export function lookForAlerts({ due, clock, ...options }: LookOptions): Promise<Run> {
  const { clickhouse, log } = options;
  return loggedRun({ clickhouse, job: ALERTS_JOB, due, clock }, async ({ startedAt }) => {
    const lastAt = await lastSucceeded(clickhouse, ALERTS_JOB);
    const { tenants, all } = await tenantsToWatch(clickhouse, { now: startedAt, lastAt });
    const { changes, told } = await watch({ ...options, tenants, now: startedAt, withLedger: all });
    if (changes > 0) log.info({ tenants: tenants.length, changes, told }, 'alerts changed');
    return { scope: all ? 'all' : 'changed', tenants: tenants.length, published: changes };
  });
}
