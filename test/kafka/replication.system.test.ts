/**
 * Topics with fewer copies than wanted are refused by whoever reads or fills them. The shared stack has one broker.
 */

import { createLog } from '@tally/platform/log';
import { connectProducer } from '@tally/producer';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { givesUpWith } from '../support/services.ts';
import { fewestPartitions, TestSystem } from '../support/system.ts';

const WANTED = { TALLY_REPLICATION_FACTOR_MIN: '2' };
const log = createLog('test', process.env['TALLY_TEST_LOG'] ?? 'silent');
const GIVES_UP_MS_MAX = 40_000;

describe('a topic with one copy', () => {
  let system: TestSystem;

  beforeAll(async () => {
    system = await TestSystem.create('replication', { partitions: fewestPartitions() });
  });
  afterAll(() => system.close());

  it('is taken on a single broker', async () => {
    const consumer = await system.consumer();
    await consumer.stop();
    const producer = await connectProducer({
      brokers: [inject('kafka')],
      topicPrefix: system.env['TALLY_TOPIC_PREFIX'] ?? '',
      log,
    });
    await producer.close();
  });

  it('is refused by the consumer where two are wanted', async () => {
    await expect(system.consumer(WANTED)).rejects.toMatchObject({ code: 'TOPIC_REPLICATION', retriable: false });
  });

  it('is refused by the producer where two are wanted, before it sends anything', async () => {
    const options = { brokers: [inject('kafka')], topicPrefix: system.env['TALLY_TOPIC_PREFIX'] ?? '', log };
    const refused = connectProducer({ ...options, replicationFactorMin: 2 });
    await expect(refused).rejects.toMatchObject({ code: 'TOPIC_REPLICATION', retriable: false });
  });

  it('ends the gateway as refused where two are wanted', async () => {
    const code = await givesUpWith('gateway', { ...system.env, ...WANTED }, GIVES_UP_MS_MAX);
    expect(code).toBe('TOPIC_REPLICATION');
  });
});
