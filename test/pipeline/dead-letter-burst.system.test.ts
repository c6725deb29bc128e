/**
 * More garbage at once than one request to Kafka holds does not stop the consumer.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fewestPartitions, TestSystem } from '../support/system.ts';

let system: TestSystem;
beforeAll(async () => {
  system = await TestSystem.create('many_dead', { partitions: fewestPartitions() });
});
afterAll(() => system.close());

it('puts 15,000 malformed records of one batch into the dead letters', async () => {
  const topic = system.topics.interactions;
  const key = Buffer.from('k');
  await system.sender.send(
    Array.from({ length: 15_000 }, (_, at) => ({ topic, key, value: Buffer.alloc(40, (at % 250) + 1) })),
  );
  await system.consumer();
  await system.caughtUp();
  expect(system.fatal).toEqual([]);
  expect(await system.deadLetters()).toHaveLength(15_000);
});
