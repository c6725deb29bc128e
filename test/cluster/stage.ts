/**
 * One log, counted twice: into a database on one server, and into one that is spread over two. Both are on the same
 * embedded servers, so that whatever differs is the cluster's doing.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { apiConfig, createApi } from '@tally/api';
import { migrate } from '@tally/cli/migrate';
import { createServices } from '@tally/cli/services';
import { consumerConfig, type RunningConsumer, rewindLog, startConsumer } from '@tally/consumer';
import { type LocalStack, localCluster, startLocalStack } from '@tally/local';
import { ClickHouse, type ClickHouseOptions, clickhouseEnvironment } from '@tally/platform/clickhouse';
import { parseConfig } from '@tally/platform/config';
import { messageOf, TallyError } from '@tally/platform/errors';
import { createKafka, KafkaAdmin } from '@tally/platform/kafka';
import { createLog, type Logger } from '@tally/platform/log';
import { retryForever } from '@tally/platform/retry';
import { type Topics, topicNames } from '@tally/schemas';

export const ADMIN_KEY = 'cluster-admin-key-of-tests';
const SECRETS = { adminKey: ADMIN_KEY, identifierSecret: 'cluster-identifier-secret' };
/** A multiple of every number of shards that is tried. */
const PARTITIONS = 8;
/** Few, so that a shard is away in the middle of many inserts. */
const GROUP_RECORDS_MAX = 2_000;
const FETCH_BYTES_MAX = 65_536;
const SESSION_TIMEOUT_MS = 6_000;
const POLL_MS = 50;
const ANSWER_MS_MAX = 60_000;
const TALLY = fileURLToPath(new URL('../../services/cli/main.ts', import.meta.url));
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

export class ClusterStage {
  readonly dir: string;
  readonly stack: LocalStack;
  readonly log: Logger;
  readonly admin: KafkaAdmin;
  readonly topics: Topics = topicNames();
  readonly #cleanUps: (() => Promise<void>)[] = [];

  private constructor(dir: string, stack: LocalStack, log: Logger) {
    this.dir = dir;
    this.stack = stack;
    this.log = log;
    this.admin = new KafkaAdmin(createKafka({ brokers: [stack.kafka], clientId: 'tally-cluster', log }));
    this.#cleanUps.push(() => this.stack.stop());
    this.#cleanUps.push(() => this.admin.close());
  }

  /** Servers that answer; no tables yet. */
  static async start(dir: string, servers: { shards: number; replicas?: number }): Promise<ClusterStage> {
    const log = createLog('cluster', process.env['TALLY_TEST_LOG'] ?? 'silent');
    return new ClusterStage(dir, await startLocalStack({ dataDir: dir, ...servers }), log);
  }

  /** A database on the first servers. */
  optionsOf(database: string, servers: number): ClickHouseOptions {
    const shards = this.stack.clickhouseShards.slice(0, servers);
    const cluster = servers > 1 ? { shards, cluster: localCluster(servers) } : {};
    const replicas = this.stack.clickhouseReplicas;
    const copies = servers > 1 && replicas.length > 0 ? { replicated: true, replicas } : {};
    return { url: this.stack.clickhouseUrl, database, ...cluster, ...copies };
  }

  /** The same, with tables. */
  async database(database: string, servers: number): Promise<ClickHouse> {
    const options = this.optionsOf(database, servers);
    const { kafka } = this.stack;
    await migrate({
      brokers: [kafka],
      topicPrefix: '',
      partitions: PARTITIONS,
      replicationFactor: 1,
      clickhouse: options,
      log: this.log,
    });
    return this.client(options);
  }

  client(options: ClickHouseOptions): ClickHouse {
    const clickhouse = new ClickHouse(options);
    this.#cleanUps.push(() => clickhouse.close());
    return clickhouse;
  }

  /** Environment of a service, or of a command, on a database. */
  envOf(database: string, servers: number, group: string): Record<string, string> {
    return {
      ...clickhouseEnvironment(this.optionsOf(database, servers)),
      TALLY_KAFKA: this.stack.kafka,
      TALLY_GROUP: group,
      TALLY_ADMIN_KEY: ADMIN_KEY,
      TALLY_IDENTIFIER_SECRET: SECRETS.identifierSecret,
      TALLY_SESSION_TIMEOUT_MS: String(SESSION_TIMEOUT_MS),
      TALLY_HEARTBEAT_INTERVAL_MS: '500',
      TALLY_GROUP_RECORDS_MAX: String(GROUP_RECORDS_MAX),
      TALLY_FETCH_BYTES_PER_PARTITION_MAX: String(FETCH_BYTES_MAX),
      TALLY_FETCH_BYTES_MIN: '1',
    };
  }

  /** Starts to count the log into a database. */
  async consumer(env: Record<string, string>, onFatal: (error: unknown) => void): Promise<RunningConsumer> {
    const config = parseConfig(consumerConfig, env);
    const consumer = await retryForever(() => startConsumer({ config, log: this.log, onFatal }), {
      waitMsFirst: POLL_MS,
      waitMsMax: POLL_MS * 10,
      isRetriable: (error) => error instanceof Error && 'retriable' in error && error.retriable === true,
    });
    let stopping: Promise<void> | undefined;
    const stop = (): Promise<void> => {
      stopping ??= consumer.stop();
      return stopping;
    };
    this.#cleanUps.push(stop);
    return { ...consumer, stop };
  }

  /** Sets a group back to what a database holds whole. */
  async rewind(clickhouse: ClickHouse, groupId: string): Promise<void> {
    for (const topic of [this.topics.interactions, this.topics.profiles]) {
      await retryForever(() => rewindLog({ clickhouse, admin: this.admin, groupId, topic }), {
        waitMsFirst: POLL_MS,
        waitMsMax: POLL_MS * 10,
        isRetriable: (error) => error instanceof Error && 'code' in error && error.code === 'GROUP_ACTIVE',
      });
    }
  }

  /** The api of a database. Returns its address. */
  async api(env: Record<string, string>): Promise<string> {
    const { app, close } = createApi({ config: parseConfig(apiConfig, env), log: this.log });
    this.#cleanUps.push(async () => {
      await app.close();
      await close();
    });
    return app.listen({ host: '127.0.0.1', port: 0 });
  }

  /** The gateway, as a process. Returns its address. */
  async gateway(database: string, servers: number): Promise<string> {
    const [gateway] = createServices({
      dataDir: this.dir,
      kafka: this.stack.kafka,
      clickhouse: this.optionsOf(database, servers),
      secrets: SECRETS,
      apiPort: 0,
      gatewayPort: 0,
      consumers: 0,
      aggregateCron: '0 0 1 1 *',
      onEvent: () => undefined,
    });
    if (!gateway) throw new Error('there is no gateway');
    this.#cleanUps.push(() => gateway.supervised.stop());
    await gateway.supervised.start();
    return gateway.url();
  }

  /**
   * An answer of the databases, asked for again where a server has just gone: the embedded engine ends when a peer resets
   * a native connection, as a server that is killed does, and is started again.
   */
  async answered<Answer>(ask: () => Promise<Answer>, say: (line: string) => void): Promise<Answer> {
    const deadline = Date.now() + ANSWER_MS_MAX;
    return retryForever(ask, {
      waitMsFirst: POLL_MS * 10,
      waitMsMax: POLL_MS * 40,
      isRetriable: (error) => error instanceof TallyError && error.retriable && Date.now() < deadline,
      onFailure: (error) => say(`asked again: ${messageOf(error)}`),
    });
  }

  /** What `tally ledger --verify` says where it does not find a group's figures in the log; empty where it does. */
  async ledgerFaults(group: string, servers: number, say: (line: string) => void): Promise<string> {
    return this.answered(() => this.#verifyLedger(group, servers), say);
  }

  /** Throws a retriable error where the command has no verdict. */
  #verifyLedger(group: string, servers: number): Promise<string> {
    const env = { ...process.env, ...this.envOf(group, servers, group) };
    return new Promise((resolve, reject) => {
      const options = { env, maxBuffer: OUTPUT_BYTES_MAX };
      const child = execFile(process.execPath, [TALLY, 'ledger', '--verify'], options, (_error, out, err) => {
        if (child.exitCode === 0) resolve('');
        else if (out.trim() !== '') resolve(`exit code ${child.exitCode}\n${out}${err}`);
        else reject(new TallyError(`tally ledger --verify: ${err}`, { code: 'NO_VERDICT', retriable: true }));
      });
    });
  }

  /** Committed offsets of the interactions, added up over the partitions of a shard. */
  async committedOf(groupId: string, { shard, shards }: { shard: number; shards: number }): Promise<number> {
    const committed = await this.admin.committed(groupId, this.topics.interactions);
    let sum = 0;
    for (const [partition, offset] of committed) if (partition % shards === shard) sum += Number(offset);
    return sum;
  }

  /** Stops all that was started, last first; the data stays for whoever has to find out what went wrong. */
  async close(): Promise<void> {
    for (const cleanUp of this.#cleanUps.toReversed()) await cleanUp().catch(() => undefined);
  }
}
