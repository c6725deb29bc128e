/**
 * Who is compared: Tally's consumer, ClickHouse's Kafka engine, the usual way, and inserts alone.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Supervised, supervise } from '@tally/local';
import { TallyError } from '@tally/platform/errors';
import type { FilterState } from './ingest-filters.ts';
import { type Arena, type Contender, type Contestant, rowsThere } from './ingest-measure.ts';
import { EVENT_COLUMNS, INGEST_COLUMNS, ingestSelect } from './ingest-tables.ts';
import { positionsThere } from './row-counts.ts';
import { gaugesOf } from './service-metrics.ts';

const STOP_TIMEOUT_MS = 20_000;
const CONSUMER = fileURLToPath(import.meta.resolve('@tally/consumer')).replace(/index\.ts$/, 'main.ts');

const FILTER_METRICS: Readonly<Record<keyof FilterState, string>> = {
  keys: 'tally_consumer_filter_keys',
  bytes: 'tally_consumer_filter_bytes',
  asked: 'tally_consumer_keys_asked_total',
};

export interface TallyOptions {
  consumers: number;
  /** TALLY_GROUP_RECORDS_MAX; the consumer's own default when absent. */
  groupRecords?: number | undefined;
  /** Directory for CPU profiles. */
  profile?: string | undefined;
}

/** (a) The consumer's real process, or several of one group, with everything on. */
export function tallyConsumer({ consumers, groupRecords, profile }: TallyOptions): Contender {
  const args = profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : [];
  return {
    id: 'a',
    title: 'Tally’s consumer',
    tellsDuplicates: true,
    settings: { consumers, ...ownSettings(), ...(groupRecords ? { TALLY_GROUP_RECORDS_MAX: groupRecords } : {}) },
    start: async (arena) => {
      const env = {
        TALLY_TOPIC_PREFIX: arena.filled.topicPrefix,
        TALLY_KAFKA: arena.bench.stack.kafka,
        TALLY_CLICKHOUSE_URL: arena.bench.stack.clickhouseUrl,
        TALLY_CLICKHOUSE_DATABASE: arena.name,
        TALLY_GROUP: arena.name,
        TALLY_IDENTIFIER_SECRET: 'bench-identifier-secret',
        TALLY_CONSUMER_PORT: '0',
        TALLY_SUPERVISED: '1',
        TALLY_LOG_LEVEL: 'warn',
        ...(groupRecords ? { TALLY_GROUP_RECORDS_MAX: String(groupRecords) } : {}),
      };
      const started = await startProcesses(arena, { count: consumers, args: [...args, CONSUMER], env });
      const filters = async (): Promise<FilterState | null> => {
        const gauges = await gaugesOf(started.urls(), Object.values(FILTER_METRICS));
        const of = (name: keyof FilterState): number => gauges?.get(FILTER_METRICS[name]) ?? 0;
        return gauges && { keys: of('keys'), bytes: of('bytes'), asked: of('asked') };
      };
      return { ...started, filters, done: committedToTheEnd(arena, arena.filled.avro, started) };
    },
  };
}

/** Of the consumer, as this process's environment has them; they reach it too. */
function ownSettings(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      name.startsWith('TALLY_') && value !== undefined ? [[name, value]] : [],
    ),
  );
}

/** (b) ClickHouse reads the topic itself; the view puts its rows where the consumer puts them. */
export function kafkaEngine(
  id: string,
  format: 'JSONEachRow' | 'RowBinary',
  { blockRows }: { blockRows: number },
): Contender {
  const settings = {
    kafka_format: format,
    kafka_num_consumers: 2,
    kafka_thread_per_consumer: 1,
    kafka_max_block_size: blockRows,
    kafka_poll_max_batch_size: Math.min(65_536, blockRows),
    kafka_poll_timeout_ms: 100,
    kafka_flush_interval_ms: 7_500,
  };
  return {
    id,
    title: `ClickHouse’s Kafka engine, ${format}`,
    tellsDuplicates: false,
    settings,
    start: async (arena) => {
      const { bench, filled, clickhouse, name } = arena;
      const topic = format === 'RowBinary' ? filled.rowBinary : filled.json;
      const all = {
        kafka_broker_list: bench.stack.kafka,
        kafka_topic_list: topic,
        kafka_group_name: name,
        ...settings,
      };
      const list = Object.entries(all).map(
        ([key, value]) => `${key} = ${typeof value === 'number' ? value : `'${value}'`}`,
      );
      await clickhouse.command(
        `CREATE TABLE kafka_events (${EVENT_COLUMNS}) ENGINE = Kafka SETTINGS ${list.join(', ')}`,
      );
      await clickhouse.command(
        `CREATE MATERIALIZED VIEW kafka_events_view TO ingest AS ${ingestSelect("'counted'")} FROM kafka_events`,
      );
      return {
        pids: () => [],
        // Merging may have taken repetitions out; the positions tell exactly, and cost something to count.
        done: async () =>
          (await rowsThere(arena)) >= filled.distinct && (await positionsThere(clickhouse)) === filled.events,
        stop: () =>
          clickhouse
            .command('DROP TABLE IF EXISTS kafka_events_view SYNC')
            .then(() => clickhouse.command('DROP TABLE IF EXISTS kafka_events SYNC')),
      };
    },
  };
}

/** (c) What one writes first: kafkajs, `JSON.parse`, rows as JSON, a commit after each insert. */
export function usualWay(): Contender {
  return {
    id: 'c',
    title: 'kafkajs, JSON.parse, JSONEachRow',
    tellsDuplicates: false,
    settings: {},
    start: async (arena) => {
      const env = {
        USUAL_KAFKA: arena.bench.stack.kafka,
        USUAL_TOPIC: arena.filled.json,
        USUAL_GROUP: arena.name,
        USUAL_CLICKHOUSE_URL: arena.bench.stack.clickhouseUrl,
        USUAL_DATABASE: arena.name,
      };
      const main = join(import.meta.dirname, 'ingest-usual-way.ts');
      const started = await startProcesses(arena, { count: 1, args: [main], env });
      return { ...started, done: committedToTheEnd(arena, arena.filled.json, started) };
    },
  };
}

/** (d) Blocks encoded beforehand, inserted as fast as ClickHouse takes them. */
export function insertLimit(
  id: string,
  format: 'Native' | 'RowBinary',
  { connections }: { connections: number },
): Contender {
  return {
    id,
    title: `inserts alone, ${format}`,
    tellsDuplicates: true,
    settings: { connections, blockRows: 100_000 },
    start: async ({ bench, filled, name }) => {
      const files = [...(format === 'Native' ? filled.blocks.native : filled.blocks.rowBinary)];
      const url = `${bench.stack.clickhouseUrl}/?${new URLSearchParams({
        database: name,
        query: `INSERT INTO ingest (${INGEST_COLUMNS}) FORMAT ${format}`,
        async_insert: '0',
        insert_deduplicate: '0',
        deduplicate_blocks_in_dependent_materialized_views: '0',
        max_partitions_per_insert_block: '0',
        // as Tally's own inserts have them
        optimize_on_insert: '0',
        materialize_statistics_on_insert: '0',
        wait_end_of_query: '1',
      })}`;
      const connection = async (): Promise<void> => {
        for (let file = files.shift(); file !== undefined; file = files.shift()) {
          const answer = await fetch(url, { method: 'POST', body: await readFile(file) });
          const text = await answer.text();
          if (!answer.ok) throw new TallyError(text, { code: 'BENCH_INSERT', retriable: false });
        }
      };
      let ended = false;
      const inserting = Promise.all(Array.from({ length: connections }, connection)).then(() => {
        ended = true;
      });
      inserting.catch(() => undefined);
      return {
        pids: () => [process.pid],
        done: async () => {
          // Not later than it ends: the next look is a fifth of a second away.
          await Promise.race([inserting, new Promise((resolve) => setTimeout(resolve, 50))]);
          return ended;
        },
        stop: async () => undefined,
      };
    },
  };
}

interface Started extends Omit<Contestant, 'done'> {
  processes: Supervised[];
  urls: () => string[];
}

async function startProcesses(
  { bench, name }: Arena,
  { count, args, env }: { count: number; args: string[]; env: Record<string, string> },
): Promise<Started> {
  const run = join(bench.dataDir, 'run');
  mkdirSync(run, { recursive: true });
  const readyFiles = Array.from({ length: count }, (_, index) => join(run, `${name}-${index + 1}.json`));
  const processes = readyFiles.map((readyFile, index) =>
    supervise({
      name: `${name}-${index + 1}`,
      command: process.execPath,
      args: ['--disable-warning=TimeoutNegativeWarning', ...args],
      env: { ...env, TALLY_READY_FILE: readyFile },
      logFile: join(bench.dataDir, 'logs', `${name}-${index + 1}.log`),
      stopTimeoutMs: STOP_TIMEOUT_MS,
    }),
  );
  await Promise.all(processes.map((one) => one.start()));
  return {
    processes,
    urls: () => readyFiles.filter((file) => existsSync(file)).map(urlIn),
    pids: () => processes.flatMap((one) => one.pid() ?? []),
    stop: async () => {
      await Promise.all(processes.map((one) => one.stop()));
    },
  };
}

function urlIn(readyFile: string): string {
  return (JSON.parse(readFileSync(readyFile, 'utf8')) as { url: string }).url;
}

/** Records of one of the topics that an arena's group has committed. */
export async function committedOf({ bench, filled, name }: Arena, topic: string): Promise<number> {
  const group = topic === filled.avro ? `${filled.topicPrefix}${name}` : name;
  const committed = await bench.admin.committed(group, topic);
  return [...committed.values()].reduce((sum, offset) => sum + Number(offset), 0);
}

function committedToTheEnd(
  arena: Arena,
  topic: string,
  { processes }: { processes: readonly Supervised[] },
): () => Promise<boolean> {
  const { bench, filled } = arena;
  return async () => {
    if (processes.some((one) => one.pid() === undefined)) {
      throw new TallyError(`a process ended, see ${bench.dataDir}/logs`, { code: 'BENCH_PROCESS', retriable: false });
    }
    // Until then there is nothing to ask the broker for.
    if ((await rowsThere(arena)) < filled.distinct) return false;
    return (await committedOf(arena, topic)) >= filled.events;
  };
}
