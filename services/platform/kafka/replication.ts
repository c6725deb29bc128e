/**
 * Whether a topic's records outlive a broker. `acks=all` waits for the replicas that are in sync: where there is one copy,
 * or where one in-sync copy is enough, an acknowledged record is gone with one disk.
 */
import { TallyError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { KafkaAdmin } from './admin.ts';

/** Copies of each topic, where the cluster has so many brokers. */
const COPIES_WANTED = 3;
/** In sync, before anything is acknowledged, where there are three copies or more: then one broker may be away. */
const IN_SYNC_WANTED = 2;
const OFFSETS_TOPIC = '__consumer_offsets';

export interface ReplicationWanted {
  /** Fewer copies are refused. Default: the smaller of 3 and the number of brokers. */
  factorMin: number | undefined;
  log: Logger;
}

/** Copies and in-sync copies for topics that are created on a cluster of so many brokers. */
export function replicationFor(brokers: number): { replicationFactor: number; inSyncMin: number } {
  return withFactor(Math.min(COPIES_WANTED, brokers));
}

/** The number of in-sync copies that goes with a number of copies. */
export function withFactor(replicationFactor: number): { replicationFactor: number; inSyncMin: number } {
  return { replicationFactor, inSyncMin: replicationFactor >= COPIES_WANTED ? IN_SYNC_WANTED : 1 };
}

/**
 * Throws `TOPIC_REPLICATION` or `TOPIC_MIN_INSYNC` for topics that are not copied enough. A single copy that is as many as
 * are wanted is told in the log; so are the group's offsets when they are copied less. Topics that do not exist are not
 * looked at.
 */
export async function checkReplication(
  admin: KafkaAdmin,
  topics: readonly string[],
  { factorMin, log }: ReplicationWanted,
): Promise<void> {
  const { brokers, factors } = await admin.replication([...topics, OFFSETS_TOPIC]);
  const wanted = factorMin ?? Math.min(COPIES_WANTED, brokers);
  const single: string[] = [];
  for (const topic of topics) {
    const factor = factors.get(topic);
    if (factor === undefined) continue;
    const settings = await admin.topicSettings(topic);
    const fault = replicationFault(topic, { factor, inSync: Number(settings['min.insync.replicas']) }, wanted);
    if (fault) throw fault;
    if (factor === 1) single.push(topic);
  }
  if (single.length > 0) log.warn({ topics: single }, 'one copy of each record: what is lost with the broker is lost');
  const offsets = factors.get(OFFSETS_TOPIC);
  if (offsets !== undefined && offsets < wanted) {
    log.warn({ factor: offsets, wanted }, `${OFFSETS_TOPIC} has few copies: consumers wait while a broker is away`);
  }
}

/** What is wrong with a topic of so many copies and in-sync copies where so many are wanted, or undefined. */
export function replicationFault(
  topic: string,
  { factor, inSync }: { factor: number; inSync: number },
  wanted: number,
): TallyError | undefined {
  if (factor < wanted) {
    return refused(
      'TOPIC_REPLICATION',
      `${topic} has ${factor} copies of each record, it must have ${wanted}: a broker that is lost would take acknowledged events along. Move it to more replicas with kafka-reassign-partitions, or set TALLY_REPLICATION_FACTOR_MIN`,
    );
  }
  const { inSyncMin } = withFactor(Math.min(factor, wanted));
  if (inSync < inSyncMin) {
    return refused(
      'TOPIC_MIN_INSYNC',
      `${topic} has min.insync.replicas=${inSync}, it must be at least ${inSyncMin}: an event would be acknowledged with a single copy. kafka-configs --alter --topic ${topic} --add-config min.insync.replicas=${inSyncMin}`,
    );
  }
  if (factor >= COPIES_WANTED && inSync >= factor) {
    return refused(
      'TOPIC_MIN_INSYNC',
      `${topic} has min.insync.replicas=${inSync} of ${factor} copies: with one broker away nothing could be written. kafka-configs --alter --topic ${topic} --add-config min.insync.replicas=${factor - 1}`,
    );
  }
  return undefined;
}

function refused(code: string, message: string): TallyError {
  return new TallyError(message, { code, retriable: false });
}
