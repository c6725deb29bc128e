/**
 * The usual way, as a process of its own: kafkajs with its defaults, `JSON.parse`, one insert of JSON rows a batch, then
 * the commit. It deduplicates nothing. Kept as simple as such services are; it is measured, not used.
 */
import { hash } from 'node:crypto';
import { createClient } from '@clickhouse/client';
import type { Interaction } from '@tally/schemas';
import kafkajs from 'kafkajs';

const env = (name: string): string => process.env[name] ?? '';
const topic = env('USUAL_TOPIC');
const clickhouse = createClient({
  url: env('USUAL_CLICKHOUSE_URL'),
  database: env('USUAL_DATABASE'),
  clickhouse_settings: { async_insert: 0, insert_deduplicate: 0, max_partitions_per_insert_block: '0' },
});
const kafka = new kafkajs.Kafka({
  clientId: 'usual-way',
  brokers: [env('USUAL_KAFKA')],
  logLevel: kafkajs.logLevel.ERROR,
});
const consumer = kafka.consumer({ groupId: env('USUAL_GROUP') });
consumer.on(consumer.events.CRASH, () => process.exit(1));

process.once('SIGTERM', () => process.exit());
process.stdin.resume().once('end', () => process.exit());

await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
await consumer.run({
  autoCommit: false,
  eachBatch: async ({ batch: { partition, messages } }) => {
    const values = messages.map(({ value, offset }) => {
      const event = JSON.parse(value?.toString() ?? '') as Interaction;
      const entity = `${event.tenantId}\0${event.environmentId}\0${event.entityType}\0${event.entityId}`;
      return {
        position: ((1n << 56n) + (BigInt(partition) << 40n) + BigInt(offset)).toString(),
        outcome: 'counted',
        tenant_id: event.tenantId,
        environment_id: event.environmentId,
        entity_type: event.entityType,
        entity_id: event.entityId,
        entity_key: key128(entity),
        event_id: event.eventId,
        event_key: key128(`${entity}\0${event.eventId}`),
        channel: event.channel,
        direction: event.direction,
        // A number that is not quoted is in the column's own unit, milliseconds.
        occurred_at: event.occurredAt,
        journey_id: event.journeyId ?? '',
        provider: event.provider ?? '',
      };
    });
    await clickhouse.insert({ table: 'ingest', format: 'JSONEachRow', values });
    const next = (BigInt(messages.at(-1)?.offset ?? -1) + 1n).toString();
    await consumer.commitOffsets([{ topic, partition, offset: next }]);
  },
});

function key128(text: string): string {
  return BigInt(`0x${hash('sha256', text).slice(0, 32)}`).toString();
}
