/**
 * What ingestion was measured at, for people and machines.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { count, table } from '@tally/cli/print';
import type { EventPlan } from './ingest-events.ts';
import type { IngestRun } from './ingest-measure.ts';
import type { Machine } from './machine.ts';
import { writtenAgain } from './row-counts.ts';

export interface Ratios {
  /** Tally's events a second over those of the faster form of the Kafka engine; null where one was not measured. */
  toKafkaEngine: number | null;
  /** Over those of the faster form of inserts alone. */
  toInsertLimit: number | null;
  toUsualWay: number | null;
  /** Tally's events a second with a filled index over those with an empty one; null without `--keys`. */
  withKeysToEmpty: number | null;
}

export interface IngestReport extends EventPlan {
  distinct: number;
  /** Mean bytes of key and value on each topic; 0 of those that nobody was to read. */
  bytes: { avro: number; json: number; rowBinary: number };
  eventBytes: number;
  machine: Machine;
  versions: { kafkajs: string; kafka: string };
  /** Over 1, 5 and 15 minutes. */
  loadAverageAtStart: number[];
  runs: IngestRun[];
  ratios: Ratios;
}

/** Of each contender the median of its rounds, of several forms the fastest. */
export function ratiosOf(runs: readonly IngestRun[]): Ratios {
  const rateOf = (id: string): number | null => {
    const rates = runs.filter((run) => run.id === id).map((run) => run.eventsPerSecond);
    return rates.length === 0 ? null : median(rates);
  };
  const best = (...forms: string[]): number | null => {
    const rates = forms.flatMap((id) => rateOf(id) ?? []);
    return rates.length === 0 ? null : Math.max(...rates);
  };
  const over = (one: number | null, other: number | null): number | null =>
    one === null || other === null ? null : Math.round((one / other) * 1_000) / 1_000;
  const tally = rateOf('a');
  return {
    toKafkaEngine: over(tally, best('b1', 'b2')),
    toInsertLimit: over(tally, best('d1', 'd2')),
    toUsualWay: over(tally, rateOf('c')),
    withKeysToEmpty: over(rateOf('a+keys'), tally),
  };
}

function median(values: readonly number[]): number {
  const ascending = [...values].sort((a, b) => a - b);
  const middle = ascending.length >> 1;
  const upper = ascending[middle] ?? 0;
  return ascending.length % 2 === 1 ? upper : (upper + (ascending[middle - 1] ?? upper)) / 2;
}

/** Of what is installed; the broker's is what its pom pins. */
export function versionsOf(): IngestReport['versions'] {
  const require = createRequire(import.meta.url);
  const { version: kafkajs } = require('kafkajs/package.json') as { version: string };
  const pom = readFileSync(new URL('../../infra/local/kafka/pom.xml', import.meta.url), 'utf8');
  return { kafkajs, kafka: /kafka_2\.13<\/artifactId>\s*<version>([^<]+)</.exec(pom)?.[1] ?? 'unknown' };
}

export function ingestText(report: IngestReport): string {
  const { machine, versions, runs, ratios } = report;
  const ratio = (value: number | null): string => (value === null ? 'not measured' : value.toFixed(2));
  return `${count(report.events)} events, ${count(report.distinct)} of them distinct, ${report.partitions} partitions, ${report.times} times
${report.eventBytes} bytes an event${report.bytes.json > 0 ? `; ${report.bytes.json} as JSON, ${report.bytes.rowBinary} as RowBinary` : ''}
${machine.cores} cores (${machine.processor}), Node ${machine.node}, ClickHouse ${machine.clickhouse}, Kafka ${versions.kafka}, kafkajs ${versions.kafkajs}
load average at start: ${report.loadAverageAtStart.map((load) => load.toFixed(1)).join(', ')}

${table(
  [
    { title: '' },
    { title: 'contender' },
    ...['events/s', 'from start', 'own µs', 'ClickHouse µs', 'broker µs', 'own MiB', 'ClickHouse MiB', 'parts'].map(
      (title) => ({ title, right: true }),
    ),
    { title: 'rows' },
  ],
  runs.map(rowOf),
)}
Tally to the Kafka engine ${ratio(ratios.toKafkaEngine)}, to inserts alone ${ratio(ratios.toInsertLimit)}, to the usual way ${ratio(ratios.toUsualWay)}
${keysText(report)}Events a second are counted from the first rows seen in ClickHouse to the end, without the events before; "from start" is cold.
`;
}

/** Of runs with an index that was watched; nothing without any. */
function keysText({ runs, ratios }: IngestReport): string {
  const watched = runs.flatMap(({ id, round, peakBytes, filter }) =>
    filter ? [{ id, round, peakBytes, filter }] : [],
  );
  if (watched.length === 0) return '';
  const orNot = (value: number | null): string => (value === null ? '–' : count(value));
  const titles = [
    'round',
    'keys in the index',
    'keys in filters',
    'filters MiB',
    'whole after s',
    'events/s until then',
    'events/s from then on',
    'keys asked about',
    'consumer MiB',
  ];
  return `
${table(
  [{ title: '' }, ...titles.map((title) => ({ title, right: true }))],
  watched.map(({ id, round, peakBytes, filter }) => [
    id,
    count(round),
    count(filter.indexKeys),
    count(filter.keys),
    count(Math.round(filter.bytes / 2 ** 20)),
    orNot(filter.wholeAfterSeconds),
    orNot(filter.eventsPerSecondBefore),
    orNot(filter.eventsPerSecondAfter),
    count(filter.asked),
    count(Math.round(peakBytes.own / 2 ** 20)),
  ]),
)}With the index filled to an empty one ${ratios.withKeysToEmpty?.toFixed(2) ?? 'not measured'}
`;
}

function rowOf(run: IngestRun): string[] {
  const { own, clickhouse, broker } = run.cpuMicrosPerEvent;
  const mebibytes = (bytes: number): string => count(Math.round(bytes / 2 ** 20));
  return [
    run.id,
    run.title,
    `${count(run.eventsPerSecond)}${run.basis === 'start' ? '*' : ''}`,
    count(run.eventsPerSecondFromStart),
    ...[own, clickhouse, broker].map((micros) => micros.toFixed(2)),
    mebibytes(run.peakBytes.own),
    mebibytes(run.peakBytes.clickhouse),
    count(run.parts.total),
    `${count(run.rows.interactions)} ${run.rows.right ? 'right' : 'WRONG'}${writtenAgain(run.rows)}`,
  ];
}
