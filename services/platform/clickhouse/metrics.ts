/**
 * What a client of ClickHouse tells of its requests: in metrics, and in traces.
 */
import { type Span, SpanKind, trace } from '@opentelemetry/api';
import { Counter, Histogram, type Registry } from 'prom-client';
import { TallyError } from '../errors.ts';

/** Kinds of requests; a stream's time ends with its headers, since its reader sets the pace after them. */
export type Operation = 'query' | 'stream' | 'command' | 'insert';

/** Told of every request as it ends. */
export interface ClickHouseMetrics {
  ended: (operation: Operation, seconds: number, error?: unknown) => void;
}

/** Registers the metrics; several clients of one process may share them. */
export function clickhouseMetrics(registry: Registry): ClickHouseMetrics {
  const registers = [registry];
  const duration = new Histogram({
    name: 'tally_clickhouse_request_duration_seconds',
    help: 'Time of one request to ClickHouse, failed ones too; of a stream, until it begins',
    labelNames: ['operation'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers,
  });
  const failures = new Counter({
    name: 'tally_clickhouse_failures_total',
    help: 'Requests to ClickHouse that failed, by the code of the error',
    labelNames: ['operation', 'code'],
    registers,
  });
  return {
    ended: (operation, seconds, error) => {
      duration.observe({ operation }, seconds);
      if (error === undefined) return;
      failures.inc({ operation, code: error instanceof TallyError ? error.code : 'none' });
    },
  };
}

/** A request's span, where whoever asks has one. The statement is not in it: it may hold what people entered. */
export function spanOf(operation: Operation, database: string): Span | undefined {
  if (!trace.getActiveSpan()) return undefined;
  const attributes = { 'db.system.name': 'clickhouse', 'db.namespace': database, 'db.operation.name': operation };
  return trace.getTracer('tally').startSpan(`clickhouse ${operation}`, { kind: SpanKind.CLIENT, attributes });
}
