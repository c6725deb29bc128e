/**
 * The report of `npm run bench -- query` for people, and what is aimed at.
 */
import { count, table } from '@tally/cli/print';
import type { MeasuredRun } from './aggregator-run.ts';
import type { Machine } from './machine.ts';
import type { PeakMemory } from './memory.ts';
import type { TableSize } from './storage.ts';
import type { Timing } from './timing.ts';

export interface QueryReport {
  events: number;
  tenants: number;
  entities: number;
  seed: number;
  partitions: number;
  /** The day before which the 14 months end. */
  until: string;
  machine: Machine;
  sizes: SizeReport[];
  /** Of this process, which runs the aggregator and asks the queries: highest resident size. */
  nodePeakBytes: number;
  aims: Aim[];
}

export interface SizeReport {
  /** In the log, with those of the bursts that were there when the queries were asked. */
  events: number;
  generated: { events: number; seconds: number; eventsPerSecond: number };
  /** Until ClickHouse had merged what it merges by itself; null when it was still merging. */
  mergedAfterSeconds: number | null;
  fullRun: MeasuredRun;
  /** After new events, 100,000 of them in a large log, over 50 tenants: evenly over the ranks, and the 50 largest. */
  incrementalRun: { newEvents: number; spread: MeasuredRun; largest: MeasuredRun };
  tenants: { tenantId: string; rank: number; interactions: number; queries: ({ query: string } & Timing)[] }[];
  memory: { generating: PeakMemory; measuring: PeakMemory };
  tables: TableSize[];
}

export interface Aim {
  what: string;
  aimMs: number;
  measuredMs: number;
  met: boolean;
}

const INCREMENTAL_MS_MAX = 2_000;
const MEDIAN_TENANT_MS_MAX = 50;
const CURVE_MS_MAX = 2_000;
const CURVE = /every day of a year/;

/** What is aimed at, at the largest size. */
export function aimsOf(sizes: readonly SizeReport[]): Aim[] {
  const size = sizes.at(-1);
  if (!size) return [];
  const aim = (what: string, aimMs: number, measuredMs: number): Aim => ({
    what,
    aimMs,
    measuredMs,
    met: measuredMs < aimMs,
  });
  const [largest, median] = size.tenants;
  const curve = largest?.queries.find(({ query }) => CURVE.test(query));
  const page = median?.queries.filter(({ query }) => !CURVE.test(query)) ?? [];
  return [
    aim('incremental run, 50 tenants of all sizes', INCREMENTAL_MS_MAX, size.incrementalRun.spread.ms),
    aim('incremental run, the 50 largest', INCREMENTAL_MS_MAX, size.incrementalRun.largest.ms),
    ...page.map(({ query, p95Ms }) => aim(`median tenant, ${query}, p95`, MEDIAN_TENANT_MS_MAX, p95Ms)),
    aim('largest tenant, year’s curve, p95', CURVE_MS_MAX, curve?.p95Ms ?? Number.POSITIVE_INFINITY),
  ];
}

export function introduction({ tenants, entities, seed, partitions, until, machine }: QueryReport): string {
  const { cores, processor, memoryBytes, node, clickhouse } = machine;
  return [
    `${count(tenants)} tenants, ${count(entities)} entities, ${partitions} partitions, 14 months before ${until}, seed ${seed}`,
    `${cores} cores (${processor}), ${mebibytes(memoryBytes)} MiB, Node ${node}, ClickHouse ${clickhouse}`,
    '',
  ].join('\n');
}

/** Everything measured at one size. */
export function sizeText(size: SizeReport): string {
  const { generated, mergedAfterSeconds } = size;
  const merged = mergedAfterSeconds === null ? 'still merging' : `merged ${count(mergedAfterSeconds)} s later`;
  return [
    `\n${count(size.events)} events; ${count(generated.events)} of them generated in ${count(generated.seconds)} s, ` +
      `${count(generated.eventsPerSecond)} a second; ${merged}\n`,
    runsTable(size),
    ...size.tenants.map(tenantTable),
    storageTable(size),
    memoryLine(size),
  ].join('');
}

/** How it grew, and what was aimed at. */
export function summaryText({ sizes, aims, nodePeakBytes }: QueryReport): string {
  const rows = namedTimes(sizes[0]).map(([name], index) => [
    name,
    ...sizes.map((size) => count(namedTimes(size)[index]?.[1] ?? 0)),
  ]);
  const growth = table(
    [
      { title: 'milliseconds (queries: p50)' },
      ...sizes.map(({ events }) => ({ title: `${count(events)} events`, right: true })),
    ],
    rows,
  );
  const drawnAims = table(
    [{ title: 'aim' }, { title: 'below, ms', right: true }, { title: 'measured, ms', right: true }, { title: '' }],
    aims.map(({ what, aimMs, measuredMs, met }) => [what, count(aimMs), count(measuredMs), met ? 'met' : 'MISSED']),
  );
  return `\n${growth}\n${drawnAims}this process at its highest: ${mebibytes(nodePeakBytes)} MiB\n`;
}

function namedTimes(size: SizeReport | undefined): [string, number][] {
  if (!size) return [];
  return [
    ['full run', size.fullRun.ms],
    ['incremental run, spread', size.incrementalRun.spread.ms],
    ['incremental run, largest', size.incrementalRun.largest.ms],
    ...size.tenants.flatMap(({ rank, queries }) =>
      queries.map(({ query, p50Ms }): [string, number] => [`tenant ${rank}, ${query}`, p50Ms]),
    ),
  ];
}

function runsTable({ fullRun, incrementalRun }: SizeReport): string {
  const row = (name: string, { tenants, ms }: { tenants: number; ms: number }): string[] => [
    name,
    count(tenants),
    count(ms),
  ];
  return table(
    [{ title: 'aggregator' }, { title: 'tenants', right: true }, { title: 'ms', right: true }],
    [
      row('full run', fullRun),
      row(`${count(incrementalRun.newEvents)} new events, tenants of all sizes`, incrementalRun.spread),
      row(`${count(incrementalRun.newEvents)} new events, the largest tenants`, incrementalRun.largest),
    ],
  );
}

function tenantTable({ tenantId, interactions, queries }: SizeReport['tenants'][number]): string {
  return table(
    [
      { title: `${tenantId}, ${count(interactions)} interactions` },
      { title: 'calls', right: true },
      { title: 'p50 ms', right: true },
      { title: 'p95 ms', right: true },
      { title: 'max ms', right: true },
    ],
    queries.map(({ query, calls, p50Ms, p95Ms, maxMs }) => [
      query,
      count(calls),
      count(p50Ms),
      count(p95Ms),
      count(maxMs),
    ]),
  );
}

function storageTable({ tables, events }: SizeReport): string {
  const all = tables.reduce((sum, { bytes }) => sum + bytes, 0);
  const drawn = table(
    [
      { title: 'on disk' },
      { title: 'rows', right: true },
      { title: 'MiB', right: true },
      { title: 'bytes a row', right: true },
      { title: 'parts', right: true },
    ],
    tables.map(({ table: name, rows, bytes, parts }) => [
      name,
      count(rows),
      mebibytes(bytes),
      (bytes / Math.max(1, rows)).toFixed(1),
      count(parts),
    ]),
  );
  return `${drawn}${mebibytes(all)} MiB in all, ${(all / Math.max(1, events)).toFixed(1)} bytes an event\n`;
}

function memoryLine({ memory: { generating, measuring } }: SizeReport): string {
  const resident = ({ residentBytes }: { residentBytes: number | null }): string =>
    residentBytes === null ? 'unknown' : `${mebibytes(residentBytes)} MiB`;
  return (
    `ClickHouse at its highest: ${resident(measuring)} resident, ${mebibytes(measuring.trackedBytes)} MiB by its own ` +
    `account; while generating and merging ${resident(generating)}\n`
  );
}

function mebibytes(bytes: number): string {
  return count(Math.round(bytes / 2 ** 20));
}
