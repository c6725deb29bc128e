/**
 * A long run, looked at from outside again and again: memory, CPU, parts, lag, and whether it goes on.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { messageOf } from '@tally/platform/errors';
import { residentOf, trackedNow } from './memory.ts';
import { cpuMicrosOf } from './process-meter.ts';
import { gaugesOf } from './service-metrics.ts';
import { stage } from './stage.ts';

export interface WatchedRun {
  /** Of the database that the tables are in. */
  clickhouse: ClickHouse;
  /** Process ids by the name they have in the report. */
  processes: Readonly<Record<string, () => readonly number[]>>;
  /** Addresses of the consumers' HTTP servers. */
  consumers: () => readonly string[];
  /** Records of the log, and how many of them are committed. */
  progress: () => Promise<Progress>;
  sampleEveryMs: number;
}

export interface Progress {
  committed: number;
  end: number;
}

export interface Sample {
  /** Since the beginning. */
  seconds: number;
  committed: number;
  end: number;
  /** Records that are not committed yet. */
  lag: number;
  /** Committed a second since the sample before. */
  eventsPerSecond: number;
  /** Resident size, of all processes of a name together; null where one does not run or the kernel does not tell. */
  residentBytes: Record<string, number | null>;
  /** Since the sample before; 1 is one core all the time. */
  cores: Record<string, number | null>;
  /** The consumers' JavaScript heap in use, buffers outside it, and filters of known keys. */
  consumers: { heapBytes: number; externalBytes: number; filterBytes: number } | null;
  /** As ClickHouse itself accounts for it. */
  clickhouseTrackedBytes: number;
  /** Active ones of all tables. */
  parts: number;
  partsByTable: Record<string, TableParts>;
}

export interface TableParts {
  parts: number;
  /** Of the partition that has most. */
  partitionMax: number;
}

export interface RunRecord {
  samples: Sample[];
  /** From the beginning until anything was committed; null when nothing ever was. */
  firstCommitSeconds: number | null;
  /** From then on, the longest time in which nothing was committed although there was something to commit. */
  stallSecondsMax: number;
  /** Looks that failed: what they would have said is missing. */
  failedLooks: number;
}

const PROGRESS_EVERY_MS = 1_000;
const HEAP = 'nodejs_heap_size_used_bytes';
const EXTERNAL = 'nodejs_external_memory_bytes';
const FILTER = 'tally_consumer_filter_bytes';

/** Begins to look; the returned function takes a last sample and ends it. */
export function watchRun(run: WatchedRun): () => Promise<RunRecord> {
  const over = new AbortController();
  const watch = new RunWatch(run);
  const watching = watch.until(over.signal);
  return async () => {
    over.abort();
    await watching;
    await watch.sample();
    return watch.record;
  };
}

class RunWatch {
  readonly record: RunRecord = { samples: [], firstCommitSeconds: null, stallSecondsMax: 0, failedLooks: 0 };
  readonly #run: WatchedRun;
  readonly #begun = performance.now();
  #before: { at: number; committed: number; cpuMicros: Map<number, number> };
  #moved: { at: number; committed: number };

  constructor(run: WatchedRun) {
    this.#run = run;
    this.#before = { at: this.#begun, committed: 0, cpuMicros: cpuOf(run) };
    this.#moved = { at: this.#begun, committed: 0 };
  }

  async until(over: AbortSignal): Promise<void> {
    let next = this.#begun + this.#run.sampleEveryMs;
    while (!over.aborted) {
      await this.#lookAtProgress();
      if (performance.now() >= next) {
        await this.sample();
        next += this.#run.sampleEveryMs;
      }
      await sleep(PROGRESS_EVERY_MS, undefined, { signal: over }).catch(() => undefined);
    }
  }

  /** An hour's run does not end for a look that failed; how many did is in the report. */
  async sample(): Promise<void> {
    try {
      const sample = await this.#take(await this.#lookAtProgress());
      this.record.samples.push(sample);
      stage(lineOf(sample));
    } catch (error) {
      this.record.failedLooks++;
      stage(`a look failed: ${messageOf(error)}`);
    }
  }

  /** While it cannot be asked, nothing is known to have moved. */
  async #lookAtProgress(): Promise<Progress> {
    const progress = await this.#run.progress().catch((error: unknown) => {
      this.record.failedLooks++;
      stage(`a look failed: ${messageOf(error)}`);
      return { committed: this.#moved.committed, end: Number.POSITIVE_INFINITY };
    });
    const now = performance.now();
    const still = (now - this.#moved.at) / 1_000;
    const moved = progress.committed > this.#moved.committed;
    if (progress.committed > 0 && this.record.firstCommitSeconds === null) {
      this.record.firstCommitSeconds = Math.round((now - this.#begun) / 100) / 10;
    } else if (this.record.firstCommitSeconds !== null && (progress.committed < progress.end || moved)) {
      // What moved in the end has been still until about now.
      this.record.stallSecondsMax = Math.max(this.record.stallSecondsMax, Math.round(still * 10) / 10);
    }
    if (moved || progress.committed >= progress.end) this.#moved = { at: now, committed: progress.committed };
    return { committed: progress.committed, end: Math.max(progress.committed, finite(progress.end)) };
  }

  async #take({ committed, end }: Progress): Promise<Sample> {
    const { clickhouse, processes, consumers } = this.#run;
    const [partsByTable, clickhouseTrackedBytes, gauges] = await Promise.all([
      partsOf(clickhouse),
      trackedNow(clickhouse),
      gaugesOf(consumers(), [HEAP, EXTERNAL, FILTER]),
    ]);
    const at = performance.now();
    const seconds = (at - this.#before.at) / 1_000;
    const cpuMicros = cpuOf(this.#run);
    const before = this.#before;
    this.#before = { at, committed, cpuMicros };
    const coresOf = (pids: readonly number[]): number =>
      pids.reduce((sum, pid) => sum + (cpuMicros.get(pid) ?? 0) - (before.cpuMicros.get(pid) ?? 0), 0) / seconds / 1e6;
    return {
      seconds: Math.round((at - this.#begun) / 100) / 10,
      committed,
      end,
      lag: end - committed,
      eventsPerSecond: Math.round((committed - before.committed) / seconds),
      residentBytes: mapValues(processes, (pids) => sumOf(pids().map(residentOf))),
      cores: mapValues(processes, (pids) => (pids().length === 0 ? null : Math.round(coresOf(pids()) * 100) / 100)),
      consumers: gauges && {
        heapBytes: gauges.get(HEAP) ?? 0,
        externalBytes: gauges.get(EXTERNAL) ?? 0,
        filterBytes: gauges.get(FILTER) ?? 0,
      },
      clickhouseTrackedBytes,
      parts: Object.values(partsByTable).reduce((sum, { parts }) => sum + parts, 0),
      partsByTable,
    };
  }
}

function cpuOf({ processes }: WatchedRun): Map<number, number> {
  const pids = Object.values(processes).flatMap((of) => of());
  return new Map(pids.map((pid) => [pid, cpuMicrosOf(pid) ?? 0]));
}

async function partsOf(clickhouse: ClickHouse): Promise<Record<string, TableParts>> {
  const rows = await clickhouse.query<{ table: string; parts: string; most: string }>(
    `SELECT table, sum(count) AS parts, max(count) AS most
     FROM
     (
       SELECT table, partition_id, count() AS count
       FROM system.parts
       WHERE active AND database = {database:String}
       GROUP BY table, partition_id
     )
     GROUP BY table
     ORDER BY table`,
    { database: clickhouse.database },
  );
  return Object.fromEntries(
    rows.map(({ table, parts, most }) => [table, { parts: Number(parts), partitionMax: Number(most) }]),
  );
}

/** For whoever waits. */
function lineOf({ committed, eventsPerSecond, lag, parts, residentBytes }: Sample): string {
  const consumer = Math.round((residentBytes['consumer'] ?? 0) / 2 ** 20);
  const clickhouse = Math.round((residentBytes['ClickHouse'] ?? 0) / 2 ** 20);
  return `${committed} committed, ${eventsPerSecond}/s, lag ${lag}, ${parts} parts, consumer ${consumer} MiB, ClickHouse ${clickhouse} MiB`;
}

function mapValues<From, To>(record: Readonly<Record<string, From>>, to: (from: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, to(value)]));
}

function sumOf(values: readonly (number | null)[]): number | null {
  let sum = 0;
  for (const value of values) {
    if (value === null) return null;
    sum += value;
  }
  return values.length === 0 ? null : sum;
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : 0;
}
