/**
 * What Ingest makes of batches that the group hands over late: fetched before a rebalance, given after it.
 */
import { TallyError } from '@tally/platform/errors';
import type { IncomingBatch } from '@tally/platform/kafka';
import { createLog } from '@tally/platform/log';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fewestPartitions, TestSystem } from '../../test/support/system.ts';
import { IdentifierHasher } from './identifiers.ts';
import { Ingest } from './ingest.ts';
import { KeyFilters } from './key-filters.ts';
import { currentLog } from './logs.ts';
import { createMetrics } from './metrics.ts';
import { batchOf, incoming, interaction } from './test-events.ts';

describe('Ingest', () => {
  let system: TestSystem;
  let ingest: Ingest;
  let filters: KeyFilters;
  let logEnd: bigint;
  let committed: bigint;
  let outages: number;

  beforeEach(async () => {
    system = await TestSystem.create('ingest', { partitions: fewestPartitions() });
    const { clickhouse, topics } = system;
    logEnd = 10n;
    committed = 0n;
    outages = 0;
    const log = createLog('test', 'fatal');
    const metrics = createMetrics(new Registry());
    const metered = await currentLog(clickhouse, topics.interactions);
    filters = new KeyFilters({ clickhouse, metered, log, metrics, bytesMax: 2 ** 20 });
    filters.assigned([0]);
    ingest = new Ingest({
      clickhouse,
      filters,
      topics,
      sender: { send: async () => undefined },
      logs: {
        interactions: metered,
        profiles: await currentLog(clickhouse, topics.profiles),
      },
      hasher: new IdentifierHasher('secret'.repeat(8)),
      metrics,
      log,
      committed: async () => {
        if (outages-- > 0) throw new TallyError('away', { code: 'KAFKA_UNAVAILABLE', retriable: true });
        return committed;
      },
      extent: async () => ({ start: 0n, end: logEnd }),
      commit: async () => undefined,
      partitionsNow: async () => fewestPartitions(),
      schemas: { find: () => undefined, refresh: async () => undefined },
      stopping: new AbortController().signal,
    });
  });

  afterEach(() => system.close());

  const write = async (batches: IncomingBatch[]) => {
    const group = ingest.open();
    for (const batch of batches) await ingest.read(batch, group);
    await ingest.write(group);
  };

  /** One event for each offset, `e0` at 0. */
  const batch = (from: number, to: number, end: number) =>
    batchOf([], {
      topic: system.topics.interactions,
      fetchedFrom: from,
      lastOffset: to - 1,
      end,
      records: Array.from({ length: to - from }, (_, index) =>
        incoming(interaction({ eventId: `e${from + index}` }), { offset: from + index }),
      ),
    });

  /** The events of 40 offsets before. */
  const again = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, index) =>
      incoming(interaction({ eventId: `e${from + index - 40}` }), { offset: from + index }),
    );

  it('writes a batch again that was fetched before others read on, and takes no record after it for a gap', async () => {
    await write([batch(0, 4, 4)]);
    await write([batch(4, 8, 8)]);
    committed = 8n;
    ingest.reassigned();
    await write([batch(2, 4, 4)]);
    await write([batch(8, 10, 10)]);
    expect(await system.outcomes()).toEqual({ counted: 10 });
  });

  it('finds repetitions of what it is still writing when a partition was taken away and given back', async () => {
    const { clickhouse, topics } = system;
    const goOn = Promise.withResolvers<void>();
    let inserting = false;
    const shard = clickhouse.shardOf(0);
    const held = vi.spyOn(shard, 'insertNative').mockImplementation(async (...asked) => {
      inserting = true;
      await goOn.promise;
      held.mockRestore();
      return shard.insertNative(...asked);
    });
    const writing = write([batch(0, 40, 40)]);
    await vi.waitFor(() => expect(inserting).toBe(true));
    filters.assigned([]);
    filters.assigned([0]);
    ingest.reassigned();
    const group = ingest.open();
    await ingest.read(batchOf([], { ...batch(40, 80, 80), topic: topics.interactions, records: again(40, 80) }), group);
    await filters.built();
    goOn.resolve();
    await writing;
    await ingest.write(group);
    expect(await system.outcomes()).toEqual({ counted: 40, duplicate: 40 });
  });

  it('waits for a broker that does not say what is committed', async () => {
    outages = 2;
    await write([batch(0, 4, 4)]);
    expect(await system.outcomes()).toEqual({ counted: 4 });
  });

  it('refuses a log that is shorter now than what was read of it', async () => {
    committed = 8n;
    logEnd = 7n;
    const refusal = { code: 'LOG_WENT_BACK', retriable: false, message: expect.stringContaining('ends at 7') };
    await expect(write([batch(2, 4, 4)])).rejects.toMatchObject(refusal);
    expect(await system.outcomes()).toEqual({});
  });
});
