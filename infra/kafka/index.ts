/**
 * Creates Tally's topics. Those that exist are left as they are; the consumer refuses them if their settings are wrong.
 */
import type { KafkaAdmin } from '@tally/platform/kafka';
import { KEPT_TOPIC_SETTINGS, LATEST_TOPIC_SETTINGS, METERED_TOPIC_SETTINGS, type Topics } from '@tally/schemas';

export interface TopicOptions {
  topics: Topics;
  /** Of each metered topic; more than cores from the start, since it cannot be changed lightly. */
  partitions: number;
  replicationFactor: number;
}

/** Returns the names of the topics created. */
export function createTopics(admin: KafkaAdmin, options: TopicOptions): Promise<string[]> {
  const { topics, partitions, replicationFactor } = options;
  const metered = { partitions, replicationFactor, settings: METERED_TOPIC_SETTINGS };
  const kept = { partitions: 1, replicationFactor, settings: KEPT_TOPIC_SETTINGS };
  return admin.createTopics([
    { topic: topics.interactions, ...metered },
    { topic: topics.profiles, ...metered },
    { topic: topics.deadLetters, ...kept },
    { topic: topics.alerts, ...kept },
    { topic: topics.statements, ...kept },
    { topic: topics.schemas, ...kept, settings: LATEST_TOPIC_SETTINGS },
  ]);
}
