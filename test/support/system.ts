/**
 * A whole Tally for one test file: topics and a database of its own on the shared stack, and the real services on them.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type AggregateOptions, aggregate } from '@tally/aggregator';
import { apiConfig, createApi } from '@tally/api';
import { migrate } from '@tally/cli/migrate';
import { type Checkpoint, consumerConfig, type RunningConsumer, startConsumer } from '@tally/consumer';
import { committedPositions, type LogOutcome, outcomeCounts, type Positions } from '@tally/figures';
import { localCluster, supervise } from '@tally/local';
import { ClickHouse, type ClickHouseOptions, clickhouseEnvironment } from '@tally/platform/clickhouse';
import { parseConfig } from '@tally/platform/config';
import { createKafka, KafkaAdmin, readTopic, Sender, type StoredRecord } from '@tally/platform/kafka';
import { createLog } from '@tally/platform/log';
import { TallyProducer } from '@tally/producer';
import { type Topics, topicNames } from '@tally/schemas';
import { inject } from 'vitest';

export const ADMIN_KEY = 'test-admin-key-of-16';

const POLL_MS = 50;
const CAUGHT_UP_MS_MAX = 60_000;
const SERVICES = fileURLToPath(new URL('../../services', import.meta.url));
const log = createLog('test', process.env['TALLY_TEST_LOG'] ?? 'silent');

export interface ServiceProcess {
  url: string;
  pid: number;
  /** What it logs, one JSON object a line. */
  logFile: string;
  stop: () => Promise<void>;
}

/** Asks the api; by default a GET with the admin key. */
export type AskApi = (
  path: string,
  options?: { method?: string; body?: object; key?: string },
) => Promise<{ status: number; body: never }>;

export class TestSystem {
  readonly topics: Topics;
  readonly env: Record<string, string>;
  readonly clickhouse: ClickHouse;
  readonly admin: KafkaAdmin;
  readonly sender: Sender;
  readonly groupId: string;
  readonly kafka: ReturnType<typeof createKafka>;
  readonly #cleanUps: (() => Promise<void>)[] = [];

  private constructor(name: string) {
    const id = `${name}_${randomBytes(4).toString('hex')}`;
    this.env = {
      TALLY_KAFKA: inject('kafka'),
      TALLY_TOPIC_PREFIX: `${id}.`,
      ...clickhouseEnvironment(databaseOptions(id)),
      TALLY_ADMIN_KEY: ADMIN_KEY,
      TALLY_IDENTIFIER_SECRET: 'test-identifier-secret',
      TALLY_SESSION_TIMEOUT_MS: '3000',
      TALLY_HEARTBEAT_INTERVAL_MS: '300',
      TALLY_LOG_LEVEL: process.env['TALLY_TEST_LOG'] ?? 'warn',
    };
    this.topics = topicNames(`${id}.`);
    this.groupId = `${id}.tally`;
    this.kafka = createKafka({ brokers: [inject('kafka')], clientId: name, log });
    this.admin = new KafkaAdmin(this.kafka);
    this.sender = new Sender({ kafka: this.kafka, log, deliveryTimeoutMs: 30_000 });
    this.clickhouse = new ClickHouse(databaseOptions(id));
  }

  /** Topics and tables are there; no service runs yet. */
  static async create(name: string, { partitions = 4 } = {}): Promise<TestSystem> {
    const system = new TestSystem(name);
    await migrate({
      brokers: [inject('kafka')],
      topicPrefix: system.env['TALLY_TOPIC_PREFIX'] ?? '',
      partitions,
      replicationFactor: 1,
      clickhouse: databaseOptions(system.clickhouse.database),
      log,
    });
    return system;
  }

  producer(): TallyProducer {
    const producer = new TallyProducer({
      brokers: [inject('kafka')],
      topicPrefix: this.env['TALLY_TOPIC_PREFIX'] ?? '',
      log,
    });
    this.#cleanUps.push(() => producer.close());
    return producer;
  }

  /** What consumers of this process gave as the reason not to go on. */
  readonly fatal: unknown[] = [];

  /** A consumer in this process. */
  async consumer(
    env: Record<string, string> = {},
    checkpoint?: (place: Checkpoint) => Promise<void>,
  ): Promise<RunningConsumer> {
    const consumer = await startConsumer({
      config: parseConfig(consumerConfig, { ...this.env, ...env }),
      log,
      onFatal: (error) => {
        this.fatal.push(error);
      },
      ...(checkpoint ? { checkpoint } : {}),
    });
    let stopping: Promise<void> | undefined;
    const stop = (): Promise<void> => {
      stopping ??= consumer.stop();
      return stopping;
    };
    this.#cleanUps.push(stop);
    return { ...consumer, stop };
  }

  /** A service as a process of its own, ready. `main` is a file under services/, or a whole path. */
  async service(main: string, env: Record<string, string> = {}): Promise<ServiceProcess> {
    const dir = mkdtempSync(join(tmpdir(), 'tally-service-'));
    const readyFile = join(dir, 'ready.json');
    const logFile = join(dir, 'service.log');
    const name = main.split('/').at(-2) ?? main;
    const supervised = supervise({
      name,
      command: process.execPath,
      args: ['--disable-warning=TimeoutNegativeWarning', main.startsWith('/') ? main : join(SERVICES, main)],
      env: {
        ...this.env,
        TALLY_SUPERVISED: '1',
        TALLY_READY_FILE: readyFile,
        ...Object.fromEntries(['GATEWAY', 'CONSUMER', 'AGGREGATOR', 'API'].map((one) => [`TALLY_${one}_PORT`, '0'])),
        ...env,
      },
      logFile,
      ready: async ({ signal }) => {
        while (!existsSync(readyFile)) await sleep(POLL_MS, undefined, { signal });
      },
    });
    await supervised.start();
    const stop = async (): Promise<void> => {
      await supervised.stop();
      rmSync(dir, { recursive: true, force: true });
    };
    this.#cleanUps.push(stop);
    const { url } = JSON.parse(readFileSync(readyFile, 'utf8')) as { url: string };
    return { url, pid: supervised.pid() ?? 0, logFile, stop };
  }

  /** The api in this process; returns its address. */
  async apiUrl(env: Record<string, string> = {}): Promise<string> {
    const { app, close } = createApi({ config: parseConfig(apiConfig, { ...this.env, ...env }), log });
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    this.#cleanUps.push(async () => {
      await app.close();
      await close();
    });
    return url;
  }

  /** The same; returns a function that asks it. */
  async api(): Promise<AskApi> {
    const url = await this.apiUrl();
    return async (path, { method = 'GET', body, key = ADMIN_KEY } = {}) => {
      const headers = { authorization: `Bearer ${key}`, ...(body ? { 'content-type': 'application/json' } : {}) };
      const request = { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) };
      const response = await fetch(`${url}${path}`, request);
      return { status: response.status, body: (await response.json()) as never };
    };
  }

  /** One run of the aggregator, at the time of `clock`, with `change` to what it is given otherwise. */
  aggregate(clock: () => number = Date.now, change: Partial<AggregateOptions> = {}): ReturnType<typeof aggregate> {
    const { clickhouse, admin, groupId, topics } = this;
    const positions = (): Promise<Positions> =>
      committedPositions(admin, { groupId, topics: [topics.interactions, topics.profiles] });
    return aggregate({ clickhouse, positions, topics, clock, log, ...change });
  }

  /** Resolves when the group has committed everything that is in the metered topics now. */
  async caughtUp(): Promise<void> {
    const deadline = Date.now() + CAUGHT_UP_MS_MAX;
    for (const topic of [this.topics.interactions, this.topics.profiles]) {
      const extents = await this.admin.extents(topic);
      for (;;) {
        const committed = await this.admin.committed(this.groupId, topic);
        if (extents.every(({ partition, end }) => end === 0n || (committed.get(partition) ?? 0n) >= end)) break;
        if (Date.now() > deadline) throw new Error(`the consumer did not catch up with ${topic}`);
        await sleep(POLL_MS);
      }
    }
  }

  async deadLetters(): Promise<StoredRecord[]> {
    const records: StoredRecord[] = [];
    await readTopic({ kafka: this.kafka, admin: this.admin }, this.topics.deadLetters, (record) => {
      records.push(record);
    });
    return records;
  }

  /** Number of log positions by outcome. */
  outcomes(topic = this.topics.interactions): Promise<Partial<Record<LogOutcome, number>>> {
    return outcomeCounts(this.clickhouse, topic);
  }

  /** Stops what was started, last first, and drops the database. */
  async close(): Promise<void> {
    for (const cleanUp of this.#cleanUps.toReversed()) await cleanUp();
    await dropDatabase(this.clickhouse);
    await this.sender.close();
    await this.admin.close();
    await this.clickhouse.close();
  }
}

/** A database of the shared stack: on one server, or on all where there are several. */
export function databaseOptions(database: string): ClickHouseOptions {
  const shards = inject('clickhouseShards');
  const replicas = inject('clickhouseReplicas');
  const cluster = shards.length > 1 ? { shards, cluster: localCluster(shards.length) } : {};
  const copies = replicas.length > 0 ? { replicated: true, replicas } : {};
  return { url: inject('clickhouseUrl'), database, ...cluster, ...copies };
}

/** The fewest that a topic may have: one, or one for each shard. */
export function fewestPartitions(): number {
  return Math.max(1, inject('clickhouseShards').length);
}

/** Wherever it is. */
export async function dropDatabase(clickhouse: ClickHouse): Promise<void> {
  const databases = new Set([clickhouse, ...clickhouse.shards].map((place) => place.database));
  const servers = new Set([inject('clickhouseUrl'), ...inject('clickhouseShards'), ...inject('clickhouseReplicas')]);
  for (const url of servers) {
    const server = new ClickHouse({ url, database: 'default' });
    for (const database of databases) await server.command(`DROP DATABASE IF EXISTS ${database} SYNC`);
    await server.close();
  }
}

/** A tenant id that no other test has. */
export function freshTenant(name: string): string {
  return `${name}-${randomUUID().slice(0, 8)}`;
}

/** Polls until `check` does not throw, for at most `msMax`. */
export async function eventually<Result>(check: () => Promise<Result>, msMax = 20_000): Promise<Result> {
  for (const deadline = Date.now() + msMax; ; await sleep(POLL_MS)) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}
