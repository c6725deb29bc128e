/**
 * The real gateway process on a real Kafka of its own, both gone when the run is over.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createTopics } from '@tally/kafka-topics';
import { startLocalStack, supervise } from '@tally/local';
import { createKafka, KafkaAdmin } from '@tally/platform/kafka';
import { createLog } from '@tally/platform/log';
import { topicNames } from '@tally/schemas';
import { ADMIN_KEY, BATCH_EVENTS_MAX, BODY_BYTES_MAX, CONTOSO_KEY, NOBODY_KEY } from './gateway-requests.ts';
import type { Memory } from './report.ts';

export interface GatewayUnderTest {
  port: number;
  /** The process that was started first; a gateway that ended is not started again. */
  alive: () => boolean;
  /** After a forced garbage collection. */
  memory: () => Promise<Memory>;
  /** Records in both metered topics. */
  recordsInLog: () => Promise<number>;
  /** The last lines of the gateway's log. */
  logTail: () => string;
  stop: () => Promise<void>;
}

const PARTITIONS = 4;
/** Short, so that requests that never end do not hold the run up. */
const REQUEST_TIMEOUT_MS = 2_000;
const POLL_MS = 20;
const MEMORY_MS_MAX = 10_000;
const LOG_TAIL_CHARS = 4_000;

export async function startGateway(): Promise<GatewayUnderTest> {
  const dir = mkdtempSync(join(tmpdir(), 'tally-fuzz-'));
  const stack = await startLocalStack({ dataDir: join(dir, 'stack') });
  const log = createLog('fuzz', 'silent');
  const admin = new KafkaAdmin(createKafka({ brokers: [stack.kafka], clientId: 'fuzz', log }));
  const files = { ready: join(dir, 'ready.json'), memory: join(dir, 'memory.json'), log: join(dir, 'gateway.log') };
  const gateway = superviseGateway(stack.kafka, files);
  const stop = async (): Promise<void> => {
    await gateway.stop();
    await admin.close();
    await stack.stop();
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    const topics = topicNames();
    await createTopics(admin, { topics, partitions: PARTITIONS, replicationFactor: 1 });
    await gateway.start();
    const { url } = JSON.parse(readFileSync(files.ready, 'utf8')) as { url: string };
    const pid = gateway.pid();
    return {
      port: Number(new URL(url).port),
      alive: () => pid !== undefined && gateway.pid() === pid,
      memory: () => memoryOf(pid ?? 0, files.memory),
      recordsInLog: async () => {
        const extents = [...(await admin.extents(topics.interactions)), ...(await admin.extents(topics.profiles))];
        return extents.reduce((sum, { start, end }) => sum + Number(end - start), 0);
      },
      logTail: () => readFileSync(files.log, 'utf8').slice(-LOG_TAIL_CHARS),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function superviseGateway(kafka: string, files: { ready: string; memory: string; log: string }) {
  const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
  const flags = ['--disable-warning=TimeoutNegativeWarning', '--expose-gc', '--import', path('report-memory.ts')];
  return supervise({
    name: 'gateway',
    command: process.execPath,
    args: [...flags, path('../../services/gateway/main.ts')],
    env: {
      TALLY_SUPERVISED: '1',
      TALLY_READY_FILE: files.ready,
      TALLY_LOG_LEVEL: 'warn',
      TALLY_KAFKA: kafka,
      TALLY_GATEWAY_PORT: '0',
      TALLY_ADMIN_KEY: ADMIN_KEY,
      TALLY_PRODUCER_KEYS: `${CONTOSO_KEY}=contoso,${NOBODY_KEY}=nobody`,
      // Far more wrong keys come from here than from anybody else.
      TALLY_WRONG_KEYS_PER_MINUTE_MAX: '1000000',
      TALLY_GATEWAY_BODY_BYTES_MAX: String(BODY_BYTES_MAX),
      TALLY_GATEWAY_BATCH_EVENTS_MAX: String(BATCH_EVENTS_MAX),
      TALLY_GATEWAY_REQUEST_TIMEOUT_MS: String(REQUEST_TIMEOUT_MS),
      TALLY_FUZZ_MEMORY_FILE: files.memory,
    },
    logFile: files.log,
    ready: async ({ signal }) => {
      while (!existsSync(files.ready)) await sleep(POLL_MS, undefined, { signal });
    },
  });
}

async function memoryOf(pid: number, file: string): Promise<Memory> {
  rmSync(file, { force: true });
  process.kill(pid, 'SIGUSR2');
  for (const deadline = Date.now() + MEMORY_MS_MAX; !existsSync(file); await sleep(POLL_MS)) {
    if (Date.now() > deadline) throw new Error('the gateway does not say how much memory it uses');
  }
  return JSON.parse(readFileSync(file, 'utf8')) as Memory;
}
