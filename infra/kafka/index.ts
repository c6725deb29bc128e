/**
 * Creates Tally's topics. Those that exist are left as they are; the consumer refuses them if their settings are wrong.
 */
import { type KafkaAdmin, replicationFor, withFactor } from '@tally/platform/kafka';
import { KEPT_TOPIC_SETTINGS, LATEST_TOPIC_SETTINGS, METERED_TOPIC_SETTINGS, type Topics } from '@tally/schemas';

export interface TopicOptions {
  topics: Topics;
  /** Of each metered topic; more than cores from the start, since it cannot be changed lightly. */
  partitions: number;
  /** Copies of each record. Default: the smaller of 3 and the number of brokers. */
  replicationFactor?: number | undefined;
}

/** Returns the names of the topics created. */
export async function createTopics(admin: KafkaAdmin, options: TopicOptions): Promise<string[]> {
  const { topics, partitions } = options;
  const { replicationFactor, inSyncMin } =
    options.replicationFactor === undefined
      ? replicationFor((await admin.replication([])).brokers)
      : withFactor(options.replicationFactor);
  const inSync = { 'min.insync.replicas': String(inSyncMin) };
  const metered = { partitions, replicationFactor, settings: { ...METERED_TOPIC_SETTINGS, ...inSync } };
  const kept = { partitions: 1, replicationFactor, settings: { ...KEPT_TOPIC_SETTINGS, ...inSync } };
  return admin.createTopics([
    { topic: topics.interactions, ...metered },
    { topic: topics.profiles, ...metered },
    { topic: topics.deadLetters, ...kept },
    { topic: topics.alerts, ...kept },
    { topic: topics.statements, ...kept },
    { topic: topics.schemas, ...kept, settings: LATEST_TOPIC_SETTINGS },
  ]);
}
