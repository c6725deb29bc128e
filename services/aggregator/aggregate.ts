/**
 * One run: what has changed, worked out tenant by tenant, published. It reads only derived tables and can be repeated at
 * any time; two runs at once publish the same figures.
 */
import { randomUUID } from 'node:crypto';
import { activeEnvironments, committedPositions, writeSnapshots } from '@tally/figures';
import { type CountingPolicy, dayOf } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { KafkaAdmin } from '@tally/platform/kafka';
import type { Logger } from '@tally/platform/log';
import type { Topics } from '@tally/schemas';
import { workOf } from './changed.ts';
import { lastRun, type Run, recordRun } from './runs.ts';
import { tenantSnapshots } from './tenant-figures.ts';

export interface AggregateOptions {
  clickhouse: ClickHouse;
  admin: KafkaAdmin;
  /** The consumers' group, whose committed offsets say what is written. */
  groupId: string;
  topics: Topics;
  policy: CountingPolicy;
  clock: () => number;
  log: Logger;
}

/** Works out and publishes what changed since the last run. Throws when ClickHouse or Kafka is away. */
export async function aggregate(options: AggregateOptions): Promise<Run> {
  const { clickhouse, admin, groupId, topics, policy, clock, log } = options;
  const startedAt = clock();
  const day = dayOf(startedAt);
  const runId = randomUUID();
  // Before anything is read: whatever is committed now is in the tables the figures come from.
  const positions = await committedPositions(admin, { groupId, topics: [topics.interactions, topics.profiles] });
  const last = await lastRun(clickhouse);
  const { scope, tenants } = workOf(await activeEnvironments(clickhouse), last, {
    day,
    profilesTopic: topics.profiles,
  });

  const failed: string[] = [];
  for (const work of tenants) {
    try {
      const context = { clickhouse, runId, now: clock(), day, policy, positions };
      await writeSnapshots(clickhouse, await tenantSnapshots(context, work));
    } catch (err) {
      log.error({ err, tenantId: work.tenantId }, 'tenant failed, the next run takes it again');
      failed.push(work.tenantId);
    }
  }
  const run: Run = {
    runId,
    startedAt,
    finishedAt: clock(),
    day,
    scope,
    outcome: failed.length === 0 ? 'succeeded' : failed.length < tenants.length ? 'partly' : 'failed',
    tenants: tenants.length,
    failed,
    positions,
  };
  await recordRun(clickhouse, run);
  return run;
}
