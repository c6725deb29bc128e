/**
 * Three brokers, ClickHouse, a gateway and two consumers, and who of the brokers does what.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { migrate } from '@tally/cli/migrate';
import { type LocalEvent, type LocalStack, startLocalStack } from '@tally/local';
import { ClickHouse } from '@tally/platform/clickhouse';
import { createKafka, KafkaAdmin } from '@tally/platform/kafka';
import { topicNames } from '@tally/schemas';
import { type Started, startServices } from '../../support/services.ts';
import { log, stalled } from '../system.ts';

export const ADMIN_KEY = 'chaos-admin-key-of-16';
const BROKERS = 3;
const DATABASE = 'tally';
const GROUP = 'tally';
const OFFSETS_TOPIC = '__consumer_offsets';
const RESTART_WAIT_MS_MAX = 1_000;
const WHOLE_MS_MAX = 400_000;
const POLL_MS = 200;

export class BrokersSystem {
  readonly dir: string;
  readonly stack: LocalStack;
  readonly kafka;
  readonly admin: KafkaAdmin;
  readonly clickhouse: ClickHouse;
  readonly topics = topicNames();
  readonly groupId = GROUP;
  readonly #services: Started[] = [];

  private constructor(dir: string, stack: LocalStack) {
    this.dir = dir;
    this.stack = stack;
    this.kafka = createKafka({ brokers: [stack.kafka], clientId: 'tally-chaos', log, requestTimeoutMs: 5_000 });
    this.admin = new KafkaAdmin(this.kafka);
    this.clickhouse = new ClickHouse({ url: stack.clickhouseUrl, database: DATABASE });
  }

  static async start(dir: string, partitions: number, onEvent: (event: LocalEvent) => void): Promise<BrokersSystem> {
    const stack = await startLocalStack({
      dataDir: dir,
      brokers: BROKERS,
      restartWaitMsMax: RESTART_WAIT_MS_MAX,
      onEvent,
    });
    const system = new BrokersSystem(dir, stack);
    try {
      const clickhouse = { url: stack.clickhouseUrl, database: DATABASE };
      await migrate({ brokers: [stack.kafka], topicPrefix: '', partitions, clickhouse, log });
      const env = {
        TALLY_KAFKA: stack.kafka,
        TALLY_CLICKHOUSE_URL: stack.clickhouseUrl,
        TALLY_CLICKHOUSE_DATABASE: DATABASE,
        TALLY_ADMIN_KEY: ADMIN_KEY,
        TALLY_IDENTIFIER_SECRET: 'chaos-identifier-secret',
        TALLY_SESSION_TIMEOUT_MS: '6000',
        TALLY_LOG_CHECK_INTERVAL_MS: '2000',
        TALLY_LOG_LEVEL: 'info',
      };
      for (const names of [['gateway', 'consumer'], ['consumer']]) {
        system.#services.push(
          await startServices(names, env, join(dir, 'logs', `services-${system.#services.length}`)),
        );
      }
      return system;
    } catch (error) {
      await system.stop();
      throw error;
    }
  }

  get gateway(): string {
    return this.#services[0]?.url('gateway') ?? '';
  }

  /** The broker that leads most partitions of the interactions. */
  async leader(): Promise<number> {
    const led = new Map<number, number>();
    for (const { leader = 1 } of await this.admin.copies(this.topics.interactions))
      led.set(leader, (led.get(leader) ?? 0) + 1);
    return [...led].sort(([, a], [, b]) => b - a)[0]?.[0] ?? 1;
  }

  /** The broker that coordinates the consumers' group: the leader of its partition of the offsets. */
  async coordinator(): Promise<number> {
    const leaders = await this.admin.copies(OFFSETS_TOPIC);
    let hash = 0;
    for (const letter of this.groupId) hash = (Math.imul(hash, 31) + (letter.codePointAt(0) ?? 0)) | 0;
    const partition = (hash & 0x7fffffff) % leaders.length;
    return leaders.find((one) => one.partition === partition)?.leader ?? 1;
  }

  /** The broker that is the active controller, by its own log: clients are told of any broker that is up. */
  controller(): number {
    const claims = this.stack.brokers.flatMap(({ name, nodeId }) =>
      readFileSync(join(this.dir, 'logs', `${name}.log`), 'utf8')
        .split('\n')
        .filter((line) => /becoming the active controller/i.test(line))
        .map((line) => ({ at: line.slice(0, 24), nodeId })),
    );
    return claims.sort((a, b) => a.at.localeCompare(b.at)).at(-1)?.nodeId ?? 1;
  }

  pid(nodeId: number): number | undefined {
    return this.stack.brokers.find((broker) => broker.nodeId === nodeId)?.pid();
  }

  /** Resolves when every replica of every partition is in sync again. Throws `CHAOS_STALLED`. */
  async untilWhole(signal: AbortSignal): Promise<void> {
    for (const deadline = Date.now() + WHOLE_MS_MAX; ; await sleep(POLL_MS)) {
      signal.throwIfAborted();
      const inSync = await Promise.all(
        [this.topics.interactions, this.topics.deadLetters, OFFSETS_TOPIC].map((topic) => this.admin.copies(topic)),
      ).catch(() => []);
      if (inSync.length > 0 && inSync.flat().every((one) => one.inSync === BROKERS && one.leader !== undefined)) return;
      if (Date.now() > deadline) throw stalled(`replicas were not in sync again within ${WHOLE_MS_MAX} ms`);
    }
  }

  /** Resolves when everything in the log is counted. */
  async untilCounted(signal: AbortSignal): Promise<void> {
    for (const deadline = Date.now() + WHOLE_MS_MAX; ; await sleep(POLL_MS)) {
      signal.throwIfAborted();
      const extents = await this.admin.extents(this.topics.interactions);
      const committed = await this.admin.committed(this.groupId, this.topics.interactions);
      if (extents.every(({ partition, end }) => end === 0n || committed.get(partition) === end)) return;
      if (Date.now() > deadline) throw stalled(`the log was not counted within ${WHOLE_MS_MAX} ms`);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#services.map((services) => services.stop()));
    await this.admin.close();
    await this.clickhouse.close();
    await this.stack.stop();
  }
}
