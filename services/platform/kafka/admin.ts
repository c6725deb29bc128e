/**
 * What Tally asks of a cluster besides sending and reading: topics, settings, offsets.
 */
import kafkajs, { type Admin, type Kafka } from 'kafkajs';
import { messageOf, TallyError } from '../errors.ts';
import { retryForever } from '../retry.ts';
import { kafkaError } from './client.ts';
import { commitAsMember } from './commit-as-member.ts';

const ATTEMPTS_MAX = 5;
/** Kafka's number for a setting that is the topic's own, and no default. */
const OF_THE_TOPIC = 1;

export interface TopicSpecification {
  topic: string;
  partitions: number;
  replicationFactor: number;
  settings: Readonly<Record<string, string>>;
}

/** One partition's extent: records `start` to `end - 1`. */
export interface PartitionExtent {
  partition: number;
  start: bigint;
  end: bigint;
}

/** The copies of one partition. */
export interface PartitionCopies {
  partition: number;
  /** The broker that takes its records; undefined while there is none. */
  leader: number | undefined;
  /** Brokers that should have a copy. */
  replicas: number;
  /** Brokers whose copy is up to date. */
  inSync: number;
}

export class KafkaAdmin {
  readonly #kafka: Kafka;
  /** Shared by calls that run side by side. */
  #admin: Promise<Admin> | undefined;

  constructor(kafka: Kafka) {
    this.#kafka = kafka;
  }

  /** Creates the topics that are missing; those that exist are left as they are. Returns the created ones' names. */
  async createTopics(specifications: readonly TopicSpecification[]): Promise<string[]> {
    const existing = new Set(await this.#ask('list topics', (admin) => admin.listTopics()));
    const missing = specifications.filter(({ topic }) => !existing.has(topic));
    if (missing.length === 0) return [];
    await this.#ask('create topics', (admin) =>
      admin.createTopics({
        waitForLeaders: true,
        topics: missing.map(({ topic, partitions, replicationFactor, settings }) => ({
          topic,
          numPartitions: partitions,
          replicationFactor,
          configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
        })),
      }),
    );
    return missing.map(({ topic }) => topic);
  }

  /** How many partitions each of these topics has now. Throws `KAFKA_UNAVAILABLE`, retriable, when one does not exist. */
  async partitionCounts(topics: readonly string[]): Promise<Map<string, number>> {
    const { topics: found } = await this.#ask('count partitions', (admin) =>
      admin.fetchTopicMetadata({ topics: [...topics] }),
    );
    return new Map(found.map(({ name, partitions }) => [name, partitions.length]));
  }

  /** How many brokers there are now, and copies of each of these topics that exists: the fewest of any partition. */
  async replication(topics: readonly string[]): Promise<{ brokers: number; factors: Map<string, number> }> {
    const existing = new Set(await this.#ask('list topics', (admin) => admin.listTopics()));
    const { brokers } = await this.#ask('describe cluster', (admin) => admin.describeCluster());
    const asked = topics.filter((topic) => existing.has(topic));
    if (asked.length === 0) return { brokers: brokers.length, factors: new Map() };
    const metadata = await this.#ask('describe topics', (admin) => admin.fetchTopicMetadata({ topics: asked }));
    const factors = metadata.topics.map(({ name, partitions }): [string, number] => [
      name,
      Math.min(...partitions.map(({ replicas }) => replicas.length)),
    ]);
    return { brokers: brokers.length, factors: new Map(factors) };
  }

  /** Every setting of a topic, defaults included. */
  async topicSettings(topic: string): Promise<Record<string, string>> {
    const { resources } = await this.#ask('describe topic', (admin) =>
      admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
      }),
    );
    return Object.fromEntries(
      resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]) ?? [],
    );
  }

  /** The extents of a topic's partitions, by partition. Throws `TOPIC_MISSING` when there is none. */
  async extents(topic: string): Promise<PartitionExtent[]> {
    const topics = await this.#ask('list topics', (admin) => admin.listTopics());
    if (!topics.includes(topic)) {
      throw new TallyError(`topic ${topic} does not exist: run \`tally migrate\``, {
        code: 'TOPIC_MISSING',
        retriable: false,
      });
    }
    const offsets = await this.#ask('fetch offsets', (admin) => admin.fetchTopicOffsets(topic));
    return offsets
      .map(({ partition, low, high }) => ({ partition, start: BigInt(low), end: BigInt(high) }))
      .sort((a, b) => a.partition - b.partition);
  }

  /** The first offset of each partition whose record the broker got at a moment or later, or the end; milliseconds UTC. */
  async offsetsAt(topic: string, moment: number): Promise<Map<number, bigint>> {
    const answers = await this.#ask('fetch offsets by time', (admin) =>
      admin.fetchTopicOffsetsByTimestamp(topic, moment),
    );
    return new Map(answers.map(({ partition, offset }) => [partition, BigInt(offset)]));
  }

  /** The group's committed offset per partition; a partition without one is absent. */
  async committed(groupId: string, topic: string): Promise<Map<number, bigint>> {
    const answers = await this.#ask('fetch committed offsets', (admin) =>
      admin.fetchOffsets({ groupId, topics: [topic] }),
    );
    const partitions = answers.find((answer) => answer.topic === topic)?.partitions ?? [];
    return new Map(
      partitions.filter(({ offset }) => offset !== '-1').map(({ partition, offset }) => [partition, BigInt(offset)]),
    );
  }

  /**
   * Sets where a group goes on. Throws `GROUP_ACTIVE` while anybody is in the group: it would commit its own offsets
   * over these.
   */
  async setCommitted(groupId: string, topic: string, offsets: ReadonlyMap<number, bigint>): Promise<void> {
    const members = await this.members(groupId);
    if (members > 0) {
      throw new TallyError(`${members} consumer(s) are in group ${groupId}: stop them first`, {
        code: 'GROUP_ACTIVE',
        retriable: false,
      });
    }
    await this.#ask('set offsets', () => commitAsMember(this.#kafka, { groupId, topic, offsets }));
  }

  /** Sets some settings of a topic; the others that it has of its own stay. */
  async setTopicSettings(topic: string, settings: Readonly<Record<string, string>>): Promise<void> {
    const own = await this.#ask('describe topic', async (admin) => {
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
      });
      return (resources[0]?.configEntries ?? []).filter(({ configSource }) => configSource === OF_THE_TOPIC);
    });
    // kafkajs knows only the request that replaces all settings.
    const all = {
      ...Object.fromEntries(own.map(({ configName, configValue }) => [configName, configValue])),
      ...settings,
    };
    await this.#ask('set topic settings', (admin) =>
      admin.alterConfigs({
        validateOnly: false,
        resources: [
          {
            type: kafkajs.ConfigResourceTypes.TOPIC,
            name: topic,
            configEntries: Object.entries(all).map(([name, value]) => ({ name, value })),
          },
        ],
      }),
    );
  }

  /** How many consumers are in a group; 0 where there is no such group. */
  async members(groupId: string): Promise<number> {
    const { groups } = await this.#ask('describe group', (admin) => admin.describeGroups([groupId]));
    return groups[0]?.members.length ?? 0;
  }

  /** Where the copies of a topic's partitions are, by partition. The topic must exist. */
  async copies(topic: string): Promise<PartitionCopies[]> {
    const { topics } = await this.#ask('describe partitions', (admin) => admin.fetchTopicMetadata({ topics: [topic] }));
    return (topics[0]?.partitions ?? [])
      .map(({ partitionId, leader, replicas, isr }) => ({
        partition: partitionId,
        leader: leader < 0 ? undefined : leader,
        replicas: replicas.length,
        inSync: isr.length,
      }))
      .sort((a, b) => a.partition - b.partition);
  }

  /** The names of all topics. */
  async topics(): Promise<string[]> {
    return this.#ask('list topics', (admin) => admin.listTopics());
  }

  /** The brokers that are there now. */
  async brokers(): Promise<number[]> {
    const { brokers } = await this.#ask('describe cluster', (admin) => admin.describeCluster());
    return brokers.map(({ nodeId }) => nodeId);
  }

  /**
   * The version whose protocol the brokers speak among themselves, as `3.9`; undefined where they no longer have that
   * setting, which is so from Kafka 4.0 on.
   */
  async protocolVersion(): Promise<string | undefined> {
    const [broker = 0] = await this.brokers();
    const { resources } = await this.#ask('describe broker', (admin) =>
      admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: kafkajs.ConfigResourceTypes.BROKER, name: String(broker) }],
      }),
    );
    const entries = resources[0]?.configEntries ?? [];
    return entries.find(({ configName }) => configName === 'inter.broker.protocol.version')?.configValue;
  }

  /** Adds partitions to a topic, up to `count` in all. Keys change partition: see ARCHITECTURE.md before doing this. */
  async setPartitionCount(topic: string, count: number): Promise<void> {
    await this.#ask('add partitions', (admin) => admin.createPartitions({ topicPartitions: [{ topic, count }] }));
  }

  /** Deletes topics with all their records. */
  async deleteTopics(topics: string[]): Promise<void> {
    await this.#ask('delete topics', (admin) => admin.deleteTopics({ topics }));
  }

  /** Deletes a partition's records before an offset, as retention does. */
  async deleteRecordsBefore(topic: string, partition: number, offset: bigint): Promise<void> {
    await this.#ask('delete records', (admin) =>
      admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: offset.toString() }] }),
    );
  }

  /**
   * Removes a group that nobody is in any more. False when the broker would not, which costs nothing: it removes groups
   * without members by itself, later.
   */
  async forgetGroup(groupId: string): Promise<boolean> {
    try {
      await this.#ask('delete group', (admin) => admin.deleteGroups([groupId]));
      return true;
    } catch (error) {
      if (error instanceof TallyError && error.retriable) return false;
      throw error;
    }
  }

  /** The cluster's id, as its brokers say it. */
  async clusterId(): Promise<string> {
    return (await this.#ask('describe cluster', (admin) => admin.describeCluster())).clusterId;
  }

  async close(): Promise<void> {
    const admin = this.#admin;
    this.#admin = undefined;
    await (await admin?.catch(() => undefined))?.disconnect();
  }

  /** Coordinators move and metadata ages: a retriable failure is tried again a few times before it is told. */
  #ask<Answer>(what: string, call: (admin: Admin) => Promise<Answer>): Promise<Answer> {
    let attempts = 0;
    return retryForever(() => this.#askOnce(what, call), {
      waitMsFirst: 100,
      waitMsMax: 1_000,
      isRetriable: (error) => error instanceof TallyError && error.retriable && ++attempts < ATTEMPTS_MAX,
    });
  }

  async #askOnce<Answer>(what: string, call: (admin: Admin) => Promise<Answer>): Promise<Answer> {
    this.#admin ??= this.#connect();
    const used = this.#admin;
    try {
      return await call(await used);
    } catch (cause) {
      // Another call may have failed before, and connected anew.
      if (this.#admin === used) await this.close().catch(() => undefined);
      if (cause instanceof TallyError) throw cause;
      throw kafkaError(`could not ${what}: ${messageOf(cause)}`, cause);
    }
  }

  async #connect(): Promise<Admin> {
    const admin = this.#kafka.admin();
    await admin.connect();
    return admin;
  }
}
