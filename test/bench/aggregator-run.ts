/**
 * One run of the real aggregator on what the generator has written, as if a consumer had just committed it.
 */
import { aggregate } from '@tally/aggregator';
import { committedPositions } from '@tally/figures';
import { TallyError } from '@tally/platform/errors';
import { type BenchStack, benchLog } from './bench-stack.ts';
import { timeMs } from './timing.ts';

export interface MeasuredRun {
  ms: number;
  tenants: number;
}

/** Works out what the last run has not seen. Throws `BENCH_RUN_FAILED` unless every tenant succeeded. */
export async function measureRun(
  bench: BenchStack,
  offsets: ReadonlyMap<number, bigint>,
  clock: () => number,
): Promise<MeasuredRun> {
  const { clickhouse, admin, groupId, topics } = bench;
  await admin.setCommitted(groupId, topics.interactions, offsets);
  const positions = () => committedPositions(admin, { groupId, topics: [topics.interactions, topics.profiles] });
  let tenants = 0;
  const ms = await timeMs(async () => {
    const run = await aggregate({ clickhouse, positions, topics, clock, log: benchLog });
    if (run.outcome !== 'succeeded') {
      throw new TallyError(`${run.failed.length} tenants failed: ${run.error}`, {
        code: 'BENCH_RUN_FAILED',
        retriable: false,
      });
    }
    tenants = run.tenants;
  });
  return { ms, tenants };
}

/** As if there had never been a run: the next one works out every tenant and publishes every figure. */
export async function forgetRuns({ clickhouse }: BenchStack): Promise<void> {
  await clickhouse.command('TRUNCATE TABLE aggregator_runs SYNC');
  await clickhouse.command('TRUNCATE TABLE snapshots SYNC');
}
