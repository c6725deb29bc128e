/**
 * What the chaos happens to: an embedded Kafka and ClickHouse of its own, with topics and tables.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { migrate } from '@tally/cli/migrate';
import { type LocalEvent, type LocalStack, startLocalStack } from '@tally/local';
import { ClickHouse } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import { createKafka, KafkaAdmin } from '@tally/platform/kafka';
import { createLog } from '@tally/platform/log';
import { topicNames } from '@tally/schemas';
import { type ChaosForm, SESSION_TIMEOUT_MS } from './form.ts';
import { mountSmallDisk, type SmallDisk } from './small-disk.ts';

export type Server = 'kafka' | 'clickhouse';

const DATABASE = 'tally';
const GROUP = 'tally';
/** Twenty deaths in as many minutes are planned: the supervisor should not lose patience. */
const RESTART_WAIT_MS_MAX = 1_000;
const POLL_MS = 25;

export const log = createLog('chaos', process.env['TALLY_TEST_LOG'] ?? 'silent');

export class ChaosSystem {
  readonly dir: string;
  readonly stack: LocalStack;
  readonly clickhouse: ClickHouse;
  readonly admin: KafkaAdmin;
  readonly kafka;
  readonly topics = topicNames();
  readonly groupId = GROUP;
  /** ClickHouse's own disk, or why it has none. */
  readonly disk: SmallDisk | { skipped: string };
  /** Environment of every service. */
  readonly env: Record<string, string>;
  readonly #ready: Map<Server, boolean>;

  private constructor(options: {
    dir: string;
    stack: LocalStack;
    disk: SmallDisk | { skipped: string };
    form: ChaosForm;
    ready: Map<Server, boolean>;
  }) {
    const { dir, stack, disk, form } = options;
    this.dir = dir;
    this.stack = stack;
    this.disk = disk;
    this.#ready = options.ready;
    this.kafka = createKafka({ brokers: [stack.kafka], clientId: 'tally-chaos', log });
    this.admin = new KafkaAdmin(this.kafka);
    this.clickhouse = new ClickHouse({ url: stack.clickhouseUrl, database: DATABASE });
    this.env = {
      TALLY_KAFKA: stack.kafka,
      TALLY_CLICKHOUSE_URL: stack.clickhouseUrl,
      TALLY_CLICKHOUSE_DATABASE: DATABASE,
      TALLY_GROUP: GROUP,
      TALLY_IDENTIFIER_SECRET: 'chaos-identifier-secret',
      TALLY_CONSUMER_PORT: '0',
      TALLY_SESSION_TIMEOUT_MS: String(SESSION_TIMEOUT_MS),
      TALLY_HEARTBEAT_INTERVAL_MS: '300',
      TALLY_GROUP_RECORDS_MAX: String(form.groupRecordsMax),
      TALLY_FETCH_BYTES_PER_PARTITION_MAX: String(form.fetchBytesPerPartitionMax),
      TALLY_FETCH_BYTES_MIN: '1',
      TALLY_LOG_LEVEL: 'info',
    };
  }

  /** Servers that answer, topics and tables; no service yet. */
  static async start(dir: string, form: ChaosForm): Promise<ChaosSystem> {
    mkdirSync(join(dir, 'run'), { recursive: true });
    const data = join(dir, 'clickhouse', 'data');
    const wantsDisk = form.server['full-disk'] > 0;
    const disk = wantsDisk ? await mountSmallDisk(data, join(dir, 'disk.img')) : { skipped: 'not asked for' };
    const ready = new Map<Server, boolean>();
    const onEvent = ({ service, kind }: LocalEvent): void => {
      if (kind === 'ready' || kind === 'exited') ready.set(service as Server, kind === 'ready');
    };
    let system: ChaosSystem | undefined;
    try {
      const stack = await startLocalStack({ dataDir: dir, restartWaitMsMax: RESTART_WAIT_MS_MAX, onEvent });
      system = new ChaosSystem({ dir, stack, disk, form, ready });
      await migrate({
        brokers: [stack.kafka],
        topicPrefix: '',
        partitions: form.partitions,
        replicationFactor: 1,
        clickhouse: { url: stack.clickhouseUrl, database: DATABASE },
        log,
      });
      return system;
    } catch (error) {
      await system?.stop();
      if (!system && 'unmount' in disk) await disk.unmount();
      throw error;
    }
  }

  /** The process of a server, while there is one. */
  pid(server: Server): number | undefined {
    return this.stack.pids()[server][0];
  }

  /** Whether a server answered when it was last started, and has not ended since. */
  isUp(server: Server): boolean {
    return this.#ready.get(server) === true;
  }

  /** Resolves when the server answers. Throws `CHAOS_STALLED` when that takes longer than `msMax`. */
  async untilUp(server: Server, msMax: number): Promise<void> {
    for (const deadline = Date.now() + msMax; !this.isUp(server); await sleep(POLL_MS)) {
      if (Date.now() > deadline) throw stalled(`${server} was not up again within ${msMax} ms`);
    }
  }

  async stop(): Promise<void> {
    await this.admin.close();
    await this.clickhouse.close();
    await this.stack.stop();
    if ('unmount' in this.disk) await this.disk.unmount();
  }

  /** Deletes what is left on disk. */
  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export function stalled(message: string): TallyError {
  return new TallyError(message, { code: 'CHAOS_STALLED', retriable: false });
}
