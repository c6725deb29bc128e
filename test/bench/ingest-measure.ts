/**
 * One contender's way into one fresh database, watched from outside: when rows are there, and what each process used.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { migrate } from '@tally/cli/migrate';
import { ClickHouse } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import { type BenchStack, benchLog } from './bench-stack.ts';
import type { Filled } from './ingest-fill.ts';
import { type FilterFigures, type FilterState, FilterWatch } from './ingest-filters.ts';
import { resetPeak } from './memory.ts';
import { type Usage, usageOf } from './process-meter.ts';
import { countRows, type RowCounts } from './row-counts.ts';
import { stage } from './stage.ts';
import { tableSizes, untilMerged } from './storage.ts';

/** What a contender gets, and what it gives back to be watched. */
export interface Arena {
  bench: BenchStack;
  filled: Filled;
  clickhouse: ClickHouse;
  /** Unique for this measurement. */
  name: string;
}

export interface Contestant {
  /** Of its own processes, once they run; none when the work is done inside ClickHouse. */
  pids: () => number[];
  /** Whether every event is in. Asked again and again; a failure ends the measurement. */
  done: () => Promise<boolean>;
  /** Of the HTTP servers of those of its processes that have one and are ready. */
  urls?: () => string[];
  /** Filters of known keys in front of the index, as its processes say; null when they do not answer now. */
  filters?: () => Promise<FilterState | null>;
  stop: () => Promise<void>;
}

export interface Contender {
  /** `a`, `b1` … */
  id: string;
  title: string;
  /** Whether a repetition may not become an interaction of its own. */
  tellsDuplicates: boolean;
  settings: Record<string, string | number>;
  /** Keys of other events that the index holds before it starts. Without it the index is empty and filters are not watched. */
  keys?: number;
  /** What is done to the fresh database before ClickHouse comes to rest. */
  prepare?: (arena: Arena) => Promise<void>;
  start: (arena: Arena) => Promise<Contestant>;
}

export interface IngestRun {
  id: string;
  title: string;
  round: number;
  settings: Record<string, string | number>;
  /** Between the first rows seen in ClickHouse and the end; the events before are not counted. */
  eventsPerSecond: number;
  /** Of all events, from the start of the process or the view, cold, to the end. */
  eventsPerSecondFromStart: number;
  /** `first rows`, or `start` where a quarter of the events came at once. */
  basis: 'first rows' | 'start';
  seconds: number;
  firstRowsAfterSeconds: number;
  /** Over the same stretch as `eventsPerSecond`. */
  cpuMicrosPerEvent: { own: number; clickhouse: number; broker: number };
  peakBytes: { own: number; clickhouse: number };
  parts: { total: number; interactions: number };
  rows: RowCounts & { right: boolean };
  /** Of Tally's consumer, where `--keys` was given. */
  filter?: FilterFigures;
}

const SAMPLE_MS = 200;
const RUN_MS_MAX = 1_800_000;
/** Of the events: more at the first look than this, and there is no stretch left to measure. */
const FIRST_SHARE_MAX = 0.25;

/** Runs one contender in a database of its own, which is dropped in the end. */
export async function measureIngest(
  bench: BenchStack,
  filled: Filled,
  { contender, round }: { contender: Contender; round: number },
): Promise<IngestRun> {
  return withArena(bench, filled, contender, (arena) => watch(arena, contender, round));
}

/** A fresh database with ClickHouse at rest, for one contender; it is dropped in the end. */
export async function withArena<Result>(
  bench: BenchStack,
  filled: Filled,
  { id, title, prepare }: Contender,
  work: (arena: Arena) => Promise<Result>,
): Promise<Result> {
  const name = `ingest_${id.replaceAll(/[^a-z0-9]/g, '_')}_${Date.now().toString(36)}`;
  const { kafka, clickhouseUrl: url } = bench.stack;
  await migrate({
    brokers: [kafka],
    topicPrefix: filled.topicPrefix,
    partitions: filled.partitions,
    replicationFactor: 1,
    clickhouse: { url, database: name },
    log: benchLog,
  });
  const clickhouse = new ClickHouse({ url, database: name });
  const arena = { bench, filled, clickhouse, name };
  try {
    await prepare?.(arena);
    await untilMerged(bench.clickhouse);
    stage(`${id}: ${title}`);
    return await work(arena);
  } finally {
    await clickhouse.close();
    await bench.clickhouse.command(`DROP DATABASE ${name} SYNC`);
  }
}

interface Look {
  at: number;
  rows: number;
  own: Usage;
  clickhouse: Usage;
  broker: Usage;
}

async function watch(arena: Arena, contender: Contender, round: number): Promise<IngestRun> {
  const { bench, filled } = arena;
  const servers = bench.stack.pids();
  for (const pid of servers.clickhouse) resetPeak(pid);
  let running: Contestant | undefined;
  const look = (rows: number): Look => ({
    at: performance.now(),
    rows,
    own: usageOf(running?.pids() ?? []),
    clickhouse: usageOf(servers.clickhouse),
    broker: usageOf(servers.kafka),
  });
  const begun = look(0);
  running = await contender.start(arena);
  const filters = contender.keys === undefined ? undefined : new FilterWatch(arena, running, contender.keys);
  try {
    let first: Look | undefined;
    for (const deadline = begun.at + RUN_MS_MAX; !(await running.done()); await sleep(SAMPLE_MS)) {
      if (!first) {
        const rows = await rowsThere(arena);
        if (rows > 0) first = look(rows);
      }
      await filters?.look();
      if (performance.now() < deadline) continue;
      throw new TallyError(`${contender.id} did not end in time`, { code: 'BENCH_STALLED', retriable: false });
    }
    const end = look(0);
    await filters?.lookAgain();
    await running.stop();
    const { rows, parts } = await whatIsThere(arena, contender);
    end.rows = rows.interactions;
    return {
      ...figuresOf({ begun, first: first ?? end, end }, filled),
      ...identify(contender, round),
      rows,
      parts,
      ...(filters ? { filter: filters.figures({ begunAt: begun.at, endAt: end.at, rows: end.rows }) } : {}),
    };
  } finally {
    await running.stop();
  }
}

function identify({ id, title, settings }: Contender, round: number) {
  return { id, title, settings, round };
}

function figuresOf({ begun, first, end }: { begun: Look; first: Look; end: Look }, { events }: Filled) {
  const enough = first.rows <= end.rows * FIRST_SHARE_MAX;
  const from = enough ? first : begun;
  // Rows of `interactions` are events but for the duplicates, which are spread evenly.
  const counted = events * (1 - from.rows / end.rows);
  const perEvent = (of: (look: Look) => Usage): number =>
    Math.round(((of(end).cpuMicros - of(from).cpuMicros) / counted) * 100) / 100;
  return {
    eventsPerSecond: Math.round((counted / (end.at - from.at)) * 1_000),
    eventsPerSecondFromStart: Math.round((events / (end.at - begun.at)) * 1_000),
    basis: enough ? ('first rows' as const) : ('start' as const),
    seconds: Math.round((end.at - begun.at) / 10) / 100,
    firstRowsAfterSeconds: Math.round((first.at - begun.at) / 10) / 100,
    cpuMicrosPerEvent: {
      own: perEvent((one) => one.own),
      clickhouse: perEvent((one) => one.clickhouse),
      broker: perEvent((one) => one.broker),
    },
    peakBytes: { own: end.own.peakBytes, clickhouse: end.clickhouse.peakBytes },
  };
}

/** Rows of `interactions`, from the list of parts: costs nothing that would disturb. */
export async function rowsThere({ clickhouse }: Pick<Arena, 'clickhouse'>): Promise<number> {
  const { rows } = await clickhouse.queryOne<{ rows: string }>(
    `SELECT sum(rows) AS rows FROM system.parts
     WHERE active AND database = {database:String} AND table = 'interactions'`,
    { database: clickhouse.database },
  );
  return Number(rows);
}

async function whatIsThere(arena: Arena, { tellsDuplicates }: Contender): Promise<Pick<IngestRun, 'parts' | 'rows'>> {
  const { clickhouse, filled } = arena;
  const tables = await tableSizes(clickhouse);
  const parts = {
    total: tables.reduce((sum, table) => sum + table.parts, 0),
    interactions: tables.find(({ table }) => table === 'interactions')?.parts ?? 0,
  };
  const rows = await countRows(clickhouse);
  const right =
    rows.positions === filled.events &&
    rows.distinct === filled.distinct &&
    (!tellsDuplicates || rows.counted === filled.distinct);
  return { parts, rows: { ...rows, right } };
}
