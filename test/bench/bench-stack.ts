/**
 * What is measured: an embedded Kafka and ClickHouse with topics and tables, and no service. Kafka's topics stay empty;
 * the group's offsets are set to what the generator has written, as a consumer would have committed them.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { migrate } from '@tally/cli/migrate';
import { type LocalStack, startLocalStack } from '@tally/local';
import { ClickHouse } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import { createKafka, KafkaAdmin } from '@tally/platform/kafka';
import { createLog } from '@tally/platform/log';
import { topicNames } from '@tally/schemas';

const DATABASE = 'tally';
const PARTITIONS = 8;
/** The fullest request is one that fills a chunk of millions of rows. */
const REQUEST_TIMEOUT_MS = 1_800_000;

/** Silent unless asked: logs go to standard output, where the report goes. */
export const benchLog = createLog('bench', process.env['TALLY_LOG_LEVEL'] ?? 'silent');

export class BenchStack {
  readonly dataDir: string;
  readonly stack: LocalStack;
  readonly clickhouse: ClickHouse;
  readonly admin: KafkaAdmin;
  readonly topics = topicNames();
  readonly groupId = 'tally';
  readonly partitions = PARTITIONS;
  readonly database = DATABASE;

  private constructor(dataDir: string, stack: LocalStack) {
    this.dataDir = dataDir;
    this.stack = stack;
    const url = stack.clickhouseUrl;
    this.clickhouse = new ClickHouse({ url, database: DATABASE, requestTimeoutMs: REQUEST_TIMEOUT_MS });
    this.admin = new KafkaAdmin(createKafka({ brokers: [stack.kafka], clientId: 'tally-bench', log: benchLog }));
  }

  static async start(dataDir: string, shards = 1): Promise<BenchStack> {
    const onEvent = ({ kind, service, detail }: { kind: string; service: string; detail?: string }): void => {
      if (kind === 'preparing' || kind === 'exited') process.stderr.write(`${service} ${kind}: ${detail ?? ''}\n`);
    };
    const bench = new BenchStack(dataDir, await startLocalStack({ dataDir, onEvent, shards }));
    try {
      const { kafka, clickhouseUrl: url } = bench.stack;
      await migrate({
        brokers: [kafka],
        topicPrefix: '',
        partitions: PARTITIONS,
        replicationFactor: 1,
        clickhouse: { url, database: DATABASE },
        log: benchLog,
      });
      return bench;
    } catch (error) {
      await bench.stop();
      throw error;
    }
  }

  /** ClickHouse's process. */
  pid(): number | undefined {
    return this.stack.pids().clickhouse[0];
  }

  async stop(): Promise<void> {
    await this.admin.close();
    await this.clickhouse.close();
    await this.stack.stop();
  }
}

/**
 * Runs something on a stack of its own and stops it, whatever happens; a signal stops it too. The data are deleted unless
 * they are to be kept; a directory that was kept may be given again. The database is on the first of `shards` servers. Throws `BENCH_DATA` when it holds anything else.
 */
export async function withBenchStack<Result>(
  { data, keep, shards = 1 }: { data?: string | undefined; keep: boolean; shards?: number },
  run: (bench: BenchStack) => Promise<Result>,
): Promise<Result> {
  const dir = data === undefined ? mkdtempSync(join(tmpdir(), 'tally-bench-')) : ownDir(data);
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, MARK), '');
  const stopped = Promise.withResolvers<never>();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => stopped.reject(new Error(`stopped by ${signal}`)));
  }
  let bench: BenchStack | undefined;
  try {
    bench = await BenchStack.start(dir, shards);
    return await Promise.race([run(bench), stopped.promise]);
  } finally {
    // What was running when a signal came fails now, and need not say so.
    benchLog.level = 'silent';
    await bench?.stop();
    if (keep) process.stderr.write(`the data stay in ${dir}\n`);
    else rmSync(dir, { recursive: true, force: true });
  }
}

/** In every directory that a benchmark has made. */
const MARK = 'tally-bench';

/** It is deleted in the end, so it must not be anybody's. */
function ownDir(data: string): string {
  const dir = resolve(data);
  if (!existsSync(dir) || readdirSync(dir).length === 0 || existsSync(join(dir, MARK))) return dir;
  throw new TallyError(`${dir} is not empty, and no benchmark's`, { code: 'BENCH_DATA', retriable: false });
}
