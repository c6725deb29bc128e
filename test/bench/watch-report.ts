/**
 * What a long run was like, from its samples: whether memory stays flat, parts stay bounded and it never stops.
 */
import { count, table } from '@tally/cli/print';
import type { RunRecord, Sample } from './watch-run.ts';

export interface MemoryTrend {
  /** Bytes at a tenth of the run, at its half and at its end; null where there is no sample of it. */
  at10: number | null;
  at50: number | null;
  at100: number | null;
  highest: number | null;
  /** By least squares over the second half; MiB an hour. Null with fewer than three samples. */
  slopeMibPerHour: number | null;
}

export interface RunSummary {
  seconds: number;
  /** By process; the consumers' heap and what ClickHouse accounts for besides. */
  memory: Record<string, MemoryTrend>;
  /** Mean over the run; 1 is one core all the time. */
  cores: Record<string, number | null>;
  /** The most there were at any sample. */
  partsMax: number;
  /** The most of each table, and of any partition of it. */
  partsMaxByTable: Record<string, { parts: number; partitionMax: number }>;
  lagMax: number;
  firstCommitSeconds: number | null;
  stallSecondsMax: number;
  failedLooks: number;
  tenths: Tenth[];
}

/** A tenth of the run's time, as its last sample has it. */
export interface Tenth {
  seconds: number;
  eventsPerSecond: number;
  consumerBytes: number | null;
  clickhouseBytes: number | null;
  parts: number;
  partitionMax: number;
  lag: number;
}

const MIB = 2 ** 20;
const HOUR_SECONDS = 3_600;
const TENTHS = 10;
/** A line through two points says nothing of what lies between. */
const SAMPLES_MIN = 3;

/** @param untilSeconds where the run ended that memory is judged of, when samples go on behind it */
export function summaryOf(record: RunRecord, untilSeconds = Number.POSITIVE_INFINITY): RunSummary {
  const samples = record.samples.filter(({ seconds }) => seconds <= untilSeconds);
  const last = record.samples.at(-1);
  const memory: Record<string, MemoryTrend> = {};
  for (const name of Object.keys(last?.residentBytes ?? {})) {
    memory[name] = trendOf(samples, ({ residentBytes }) => residentBytes[name] ?? null);
  }
  memory['consumer heap'] = trendOf(samples, ({ consumers }) => consumers?.heapBytes ?? null);
  memory['consumer buffers'] = trendOf(samples, ({ consumers }) => consumers?.externalBytes ?? null);
  memory['ClickHouse’s account'] = trendOf(samples, ({ clickhouseTrackedBytes }) => clickhouseTrackedBytes);
  return {
    seconds: samples.at(-1)?.seconds ?? 0,
    memory,
    cores: Object.fromEntries(Object.keys(last?.cores ?? {}).map((name) => [name, meanCores(samples, name)])),
    partsMax: Math.max(0, ...record.samples.map(({ parts }) => parts)),
    partsMaxByTable: mostParts(record.samples),
    lagMax: Math.max(0, ...record.samples.map(({ lag }) => lag)),
    firstCommitSeconds: record.firstCommitSeconds,
    stallSecondsMax: record.stallSecondsMax,
    failedLooks: record.failedLooks,
    tenths: tenthsOf(samples),
  };
}

function trendOf(samples: readonly Sample[], of: (sample: Sample) => number | null): MemoryTrend {
  const end = samples.at(-1)?.seconds ?? 0;
  const points = samples.flatMap((sample) => {
    const bytes = of(sample);
    return bytes === null ? [] : [{ seconds: sample.seconds, bytes }];
  });
  const near = (share: number): number | null => {
    const byDistance = [...points].sort(
      (a, b) => Math.abs(a.seconds - end * share) - Math.abs(b.seconds - end * share),
    );
    return byDistance[0]?.bytes ?? null;
  };
  return {
    at10: near(0.1),
    at50: near(0.5),
    at100: near(1),
    highest: points.length === 0 ? null : Math.max(...points.map(({ bytes }) => bytes)),
    slopeMibPerHour: slopeOf(points.filter(({ seconds }) => seconds >= end / 2)),
  };
}

function slopeOf(points: readonly { seconds: number; bytes: number }[]): number | null {
  if (points.length < SAMPLES_MIN) return null;
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const seconds = mean(points.map((point) => point.seconds));
  const bytes = mean(points.map((point) => point.bytes));
  let [together, apart] = [0, 0];
  for (const point of points) {
    together += (point.seconds - seconds) * (point.bytes - bytes);
    apart += (point.seconds - seconds) ** 2;
  }
  return Math.round(((together / apart) * HOUR_SECONDS * 10) / MIB) / 10;
}

/** Each sample for the time since the one before it. */
function meanCores(samples: readonly Sample[], name: string): number | null {
  let [seconds, coreSeconds, before] = [0, 0, 0];
  for (const sample of samples) {
    const value = sample.cores[name] ?? null;
    if (value !== null) {
      seconds += sample.seconds - before;
      coreSeconds += value * (sample.seconds - before);
    }
    before = sample.seconds;
  }
  return seconds === 0 ? null : Math.round((coreSeconds / seconds) * 100) / 100;
}

function mostParts(samples: readonly Sample[]): RunSummary['partsMaxByTable'] {
  const most: RunSummary['partsMaxByTable'] = {};
  for (const { partsByTable } of samples) {
    for (const [name, { parts, partitionMax }] of Object.entries(partsByTable)) {
      const before = most[name] ?? { parts: 0, partitionMax: 0 };
      most[name] = {
        parts: Math.max(before.parts, parts),
        partitionMax: Math.max(before.partitionMax, partitionMax),
      };
    }
  }
  return most;
}

function tenthsOf(samples: readonly Sample[]): Tenth[] {
  const end = samples.at(-1)?.seconds ?? 0;
  const tenths: Tenth[] = [];
  let from = { seconds: 0, committed: 0 };
  for (let tenth = 1; tenth <= TENTHS; tenth++) {
    const last = samples.findLast(({ seconds }) => seconds <= (end * tenth) / TENTHS);
    if (!last || last.seconds <= from.seconds) continue;
    tenths.push({
      seconds: last.seconds,
      eventsPerSecond: Math.round((last.committed - from.committed) / (last.seconds - from.seconds)),
      consumerBytes: last.residentBytes['consumer'] ?? null,
      clickhouseBytes: last.residentBytes['ClickHouse'] ?? null,
      parts: last.parts,
      partitionMax: Math.max(0, ...Object.values(last.partsByTable).map(({ partitionMax }) => partitionMax)),
      lag: last.lag,
    });
    from = last;
  }
  return tenths;
}

/** Tables of memory, of tenths and of parts, and a line of stalls. */
export function summaryText(summary: RunSummary): string {
  return `${memoryText(summary)}
${tenthsText(summary.tenths)}
${partsText(summary)}
first committed after ${summary.firstCommitSeconds ?? '–'} s; from then on the longest time without progress while there was something to commit: ${summary.stallSecondsMax} s; highest lag ${count(summary.lagMax)} records
${summary.failedLooks === 0 ? '' : `${summary.failedLooks} looks failed: what they would have shown is missing\n`}`;
}

function memoryText({ memory, cores }: RunSummary): string {
  const slope = (value: number | null): string => (value === null ? '–' : `${value > 0 ? '+' : ''}${count(value)}`);
  return table(
    [
      { title: 'MiB' },
      ...['at 10 %', 'at 50 %', 'at 100 %', 'highest', 'an hour, 2nd half', 'cores'].map((title) => ({
        title,
        right: true,
      })),
    ],
    Object.entries(memory).map(([name, { at10, at50, at100, highest, slopeMibPerHour }]) => [
      name,
      ...[at10, at50, at100, highest].map(mebibytes),
      slope(slopeMibPerHour),
      cores[name]?.toFixed(2) ?? '',
    ]),
  );
}

function tenthsText(tenths: readonly Tenth[]): string {
  const titles = [
    'until s',
    'events/s committed',
    'consumer MiB',
    'ClickHouse MiB',
    'parts',
    'in a partition, at most',
    'lag',
  ];
  return table(
    titles.map((title) => ({ title, right: true })),
    tenths.map((tenth) => [
      count(Math.round(tenth.seconds)),
      count(tenth.eventsPerSecond),
      mebibytes(tenth.consumerBytes),
      mebibytes(tenth.clickhouseBytes),
      count(tenth.parts),
      count(tenth.partitionMax),
      count(tenth.lag),
    ]),
  );
}

function partsText({ partsMax, partsMaxByTable }: RunSummary): string {
  const most = Object.entries(partsMaxByTable).sort(([, a], [, b]) => b.parts - a.parts);
  return table(
    [{ title: 'parts at their most' }, { title: 'all', right: true }, { title: 'in a partition', right: true }],
    [
      ...most.map(([name, { parts, partitionMax }]) => [name, count(parts), count(partitionMax)]),
      ['all tables', count(partsMax), ''],
    ],
  );
}

function mebibytes(bytes: number | null): string {
  return bytes === null ? '–' : count(Math.round(bytes / MIB));
}
