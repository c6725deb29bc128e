/**
 * What ingestion was measured at, for people and machines.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { count, table } from '@tally/cli/print';
import type { EventPlan } from './ingest-events.ts';
import type { IngestRun } from './ingest-measure.ts';
import type { Machine } from './machine.ts';

export interface Ratios {
  /** Tally's events a second over those of the faster form of the Kafka engine; null where one was not measured. */
  toKafkaEngine: number | null;
  /** Over those of the faster form of inserts alone. */
  toInsertLimit: number | null;
  toUsualWay: number | null;
}

export interface IngestReport extends EventPlan {
  distinct: number;
  /** Mean bytes of key and value on each topic. */
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
  const best = (letter: string): number | null => {
    const ids = [...new Set(runs.filter(({ id }) => id.startsWith(letter)).map(({ id }) => id))];
    const rates = ids.map((id) => median(runs.filter((run) => run.id === id).map((run) => run.eventsPerSecond)));
    return rates.length === 0 ? null : Math.max(...rates);
  };
  const tally = best('a');
  const to = (letter: string): number | null => {
    const other = best(letter);
    return tally === null || other === null ? null : Math.round((tally / other) * 1_000) / 1_000;
  };
  return { toKafkaEngine: to('b'), toInsertLimit: to('d'), toUsualWay: to('c') };
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
${report.eventBytes} bytes an event; ${report.bytes.json} as JSON, ${report.bytes.rowBinary} as RowBinary
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
Events a second are counted from the first rows seen in ClickHouse to the end, without the events before; "from start" is cold.
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
    `${count(run.rows.interactions)} ${run.rows.right ? 'right' : 'WRONG'}`,
  ];
}
