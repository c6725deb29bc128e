import { setTimeout as sleep } from 'node:timers/promises';
import { ClickHouse } from '@tally/platform/clickhouse';
import { expect, it, vi } from 'vitest';
import { type Progress, watchRun } from './watch-run.ts';

/** Nothing listens there: what is not asked of Kafka fails, and only that. */
const clickhouse = new ClickHouse({ url: 'http://127.0.0.1:9', database: 'none' });

async function stallOf(seconds: number, progress: (elapsed: number) => Progress) {
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const begun = performance.now();
  const stop = watchRun({
    clickhouse,
    processes: {},
    consumers: () => [],
    progress: async () => progress((performance.now() - begun) / 1_000),
    sampleEveryMs: 1_000_000,
  });
  await sleep(seconds * 1_000);
  const record = await stop();
  vi.restoreAllMocks();
  return record;
}

it('a stall is the longest time in which nothing was committed although there was lag; a look that fails ends nothing', async () => {
  const [stalled, moving, idle, late] = await Promise.all([
    stallOf(5, (elapsed) => ({ committed: elapsed > 0.5 && elapsed < 3.5 ? 5 : 5 + elapsed, end: 100 })),
    stallOf(5, (elapsed) => ({ committed: elapsed, end: 100 })),
    stallOf(5, () => ({ committed: 5, end: 5 })),
    stallOf(5, (elapsed) => ({ committed: elapsed < 3 ? 0 : elapsed, end: 100 })),
  ]);
  expect(stalled.stallSecondsMax).toBeGreaterThan(2.5);
  expect(stalled.stallSecondsMax).toBeLessThan(5.5);
  expect(moving.stallSecondsMax).toBeLessThan(2.5);
  expect(idle.stallSecondsMax).toBe(0);
  expect(late.stallSecondsMax).toBeLessThan(2.5);
  expect(late.firstCommitSeconds).toBeGreaterThan(2.9);
  expect(stalled).toMatchObject({ samples: [], failedLooks: 1 });
});
