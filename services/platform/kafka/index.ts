export { KafkaAdmin, type PartitionCopies, type PartitionExtent, type TopicSpecification } from './admin.ts';
export { createKafka, type KafkaOptions } from './client.ts';
export type { Handled } from './commits.ts';
export { type ConnectionFailure, connectionFailure } from './connection-failure.ts';
export { FENCED, isFenced } from './fence.ts';
export {
  GroupConsumer,
  type GroupConsumerOptions,
  type IncomingBatch,
  type IncomingRecord,
} from './group-consumer.ts';
export { murmur2, partitionOf } from './partition.ts';
export { readRecordsAt } from './read-at.ts';
export { readTopic, type StoredRecord } from './read-topic.ts';
export { askToBeLetIn } from './refusal.ts';
export { checkReplication, type ReplicationWanted, replicationFor, withFactor } from './replication.ts';
export { type OutgoingRecord, PARTITIONS_KEPT_MS, Sender, type SenderOptions } from './sender.ts';
export { type KafkaServers, kafkaServers } from './servers.ts';
export type { RecordPlace } from './throwaway-reader.ts';
