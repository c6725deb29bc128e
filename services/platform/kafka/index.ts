export { KafkaAdmin, type PartitionCopies, type PartitionExtent, type TopicSpecification } from './admin.ts';
export { createKafka, type KafkaOptions } from './client.ts';
export type { Handled } from './commits.ts';
export { type ConnectionFailure, connectionFailure } from './connection-failure.ts';
export {
  GroupConsumer,
  type GroupConsumerOptions,
  type IncomingBatch,
  type IncomingRecord,
} from './group-consumer.ts';
export { murmur2, partitionOf } from './partition.ts';
export { readRecordsAt } from './read-at.ts';
export { readTopic, type StoredRecord } from './read-topic.ts';
export { type OutgoingRecord, Sender, type SenderOptions } from './sender.ts';
export type { RecordPlace } from './throwaway-reader.ts';
