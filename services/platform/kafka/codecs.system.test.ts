/**
 * Every compression that a producer may use, through the real broker, which unpacks and checks each batch itself.
 */
import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { expect, inject, it } from 'vitest';
import { createLog } from '../log.ts';
import { KafkaAdmin } from './admin.ts';
import { createKafka } from './client.ts';
import { readTopic } from './read-topic.ts';

const { CompressionTypes } = kafkajs;

it.each([
  ['none', CompressionTypes.None],
  ['gzip', CompressionTypes.GZIP],
  ['snappy', CompressionTypes.Snappy],
  ['lz4', CompressionTypes.LZ4],
  ['zstd', CompressionTypes.ZSTD],
])('reads what a producer compressed with %s', async (name, compression) => {
  const kafka = createKafka({ brokers: [inject('kafka')], clientId: 'codecs', log: createLog('test', 'silent') });
  const admin = new KafkaAdmin(kafka);
  const topic = `codecs-${name}-${randomUUID()}`;
  await admin.createTopics([{ topic, partitions: 1, replicationFactor: 1, settings: {} }]);
  const values = Array.from({ length: 500 }, (_, index) => `value ${index} `.repeat(1 + (index % 40)));
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  await producer.send({ topic, compression, messages: values.map((value) => ({ value })) });
  await producer.disconnect();

  const read: string[] = [];
  await readTopic({ kafka, admin }, topic, ({ value }) => {
    read.push(String(value));
  });
  await admin.close();
  expect(read).toEqual(values);
});
