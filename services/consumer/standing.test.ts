/**
 * Where a consumer stands, as Prometheus is told.
 */
import { createLog } from '@tally/platform/log';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createMetrics } from './metrics.ts';
import { Standing } from './standing.ts';

const NOW = Date.UTC(2026, 2, 1);

function standing(committed: Record<number, bigint> | Error) {
  const metrics = createMetrics(new Registry());
  const admin = {
    committed: async () => {
      if (committed instanceof Error) throw committed;
      return new Map(Object.entries(committed).map(([partition, offset]) => [Number(partition), offset]));
    },
    extents: async () => [0, 1, 2].map((partition) => ({ partition, start: 5n, end: 20n })),
  };
  const log = createLog('test', 'silent');
  return { metrics, standing: new Standing({ metrics, admin, groupId: 'g', log, clock: () => NOW }) };
}

async function valuesOf(gauge: ReturnType<typeof createMetrics>['lag']): Promise<[partition: string, value: number][]> {
  return (await gauge.get()).values.map(({ labels, value }) => [String(labels.partition), value]);
}

describe('Standing', () => {
  it('tells what is not committed of the partitions that are assigned, from the first record there is', async () => {
    const { metrics, standing: here } = standing({ 0: 18n, 2: 0n });
    here.assigned({ events: [0, 1] });
    await here.look();
    expect(await valuesOf(metrics.lag)).toEqual([
      ['0', 2],
      ['1', 15],
    ]);
  });

  it('tells nothing of partitions that have gone to others, also where a late batch still told of one', async () => {
    const { metrics, standing: here } = standing({ 0: 20n });
    here.assigned({ events: [0, 1] });
    here.committed([{ topic: 'events', partition: 1, offset: 9 }]);
    here.assigned({ events: [0] });
    metrics.lag.set({ topic: 'events', partition: 1 }, 7);
    await here.look();
    expect(await valuesOf(metrics.lag)).toEqual([['0', 0]]);
    expect(await valuesOf(metrics.lastCommit)).toEqual([]);
    expect((await metrics.assigned.get()).values).toEqual([{ labels: { topic: 'events' }, value: 1 }]);
    expect((await metrics.assignments.get()).values).toEqual([{ labels: {}, value: 2 }]);
  });

  it('keeps what it knew while Kafka does not answer', async () => {
    const { metrics, standing: here } = standing(new Error('away'));
    here.assigned({ events: [0] });
    metrics.lag.set({ topic: 'events', partition: 0 }, 7);
    await here.look();
    expect(await valuesOf(metrics.lag)).toEqual([['0', 7]]);
  });

  it('tells when the group took an offset', async () => {
    const { metrics, standing: here } = standing({});
    here.committed([{ topic: 'events', partition: 3, offset: 9 }]);
    expect(await valuesOf(metrics.lastCommit)).toEqual([['3', NOW / 1_000]]);
  });
});
