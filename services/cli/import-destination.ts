/**
 * The log that an import goes to: that of a running instance, or brokers from the environment.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Destination } from '@tally/importer';
import { kafkaConfig, parseConfig } from '@tally/platform/config';
import { createKafka, KafkaAdmin, type KafkaServers, kafkaServers } from '@tally/platform/kafka';
import { createLog } from '@tally/platform/log';
import { connectProducer } from '@tally/producer';
import { topicNames } from '@tally/schemas';
import { runningInstance } from './instance.ts';

const CLIENT_ID = 'tally-import';
const CLOSE_MS_MAX = 3_000;

export interface OpenDestination extends Destination {
  close: () => Promise<void>;
}

/** Connects. Throws `NOT_RUNNING`, `CONFIG_INVALID`, `TOPIC_MISSING` or `KAFKA_UNAVAILABLE`. */
export async function openDestination(dataDir: string | undefined): Promise<OpenDestination> {
  const log = createLog('import', 'error');
  const { servers, topicPrefix } = addressOf(dataDir);
  const admin = new KafkaAdmin(createKafka({ ...servers, clientId: CLIENT_ID, log }));
  const ends: Record<string, string> = {};
  try {
    const { interactions, profiles } = topicNames(topicPrefix);
    for (const topic of [interactions, profiles]) {
      for (const { partition, end } of await admin.extents(topic)) ends[`${topic}/${partition}`] = String(end);
    }
    const target = { clusterId: await admin.clusterId(), topicPrefix, ends };
    const producer = await connectProducer({ ...servers, clientId: CLIENT_ID, topicPrefix, log });
    return {
      target,
      send: (record) => producer.send(record),
      // What is still under way after an import that failed need not be waited for: it is sent again.
      close: () => closeWithin(CLOSE_MS_MAX, () => producer.close()),
    };
  } finally {
    await admin.close();
  }
}

/** Resolves when `close` has, or when `msMax` have passed. */
async function closeWithin(msMax: number, close: () => Promise<void>): Promise<void> {
  const closed = new AbortController();
  // A timer that is left behind would keep the process until it fires.
  const tooLong = sleep(msMax, undefined, { signal: closed.signal }).catch(() => undefined);
  await Promise.race([close(), tooLong]).finally(() => closed.abort());
}

/** A directory that was asked for comes first, then TALLY_KAFKA, then the instance of the default directory. */
function addressOf(dataDir: string | undefined): { servers: KafkaServers; topicPrefix: string } {
  if (dataDir !== undefined) return { servers: { brokers: [runningInstance(dataDir).kafka] }, topicPrefix: '' };
  const env = parseConfig(kafkaConfig, process.env);
  return { servers: kafkaServers(env), topicPrefix: env.TALLY_TOPIC_PREFIX };
}
