/**
 * A log that got more partitions after the backup is the one that was backed up, and not a lost one.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, freshTenant, TestSystem } from '../../../test/support/system.ts';
import { goOn } from './restore-log.ts';

const PARTITIONS = 2;
let system: TestSystem;

beforeAll(async () => {
  system = await TestSystem.create('restore_log', { partitions: PARTITIONS });
});

afterAll(() => system.close());

it('a log that has more partitions since goes on where the backup ends: nothing before it is read again', async () => {
  const topic = system.topics.interactions;
  const producer = system.producer();
  const tenantId = freshTenant('restore-log');
  const send = (index: number) =>
    producer.email({
      eventId: `e${index}`,
      tenantId,
      environmentId: 'prod',
      entityType: 'contact',
      entityId: `c${index}`,
      occurredAt: Date.UTC(2026, 2, 1),
    });
  await Promise.all(Array.from({ length: 40 }, (_, index) => send(index)));
  const consumer = await system.consumer();
  await system.caughtUp();
  await consumer.stop();
  const until = (await system.admin.extents(topic)).map(({ end }) => Number(end));
  await system.admin.setPartitionCount(topic, 2 * PARTITIONS);
  await eventually(async () => expect(await system.admin.extents(topic)).toHaveLength(2 * PARTITIONS));

  const manifest = { clusterId: await system.admin.clusterId(), takenAt: Date.now() };
  const since = await goOn({ connection: system, manifest, clock: Date.now }, { topic, until });
  expect(since).toBe('widened');
  const again = await system.consumer();
  await system.caughtUp();
  await again.stop();
  expect(await system.outcomes()).toEqual({ counted: 40 });
  expect(await system.deadLetters()).toEqual([]);
});
