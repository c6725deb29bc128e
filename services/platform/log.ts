/**
 * Structured logs: a constant message plus fields, one JSON object a line. A line that is logged under a span says which.
 */
import { isSpanContextValid, trace } from '@opentelemetry/api';
import { type Logger, pino } from 'pino';
import { VERSION } from './version.ts';

export type { Logger } from 'pino';

export function createLog(service: string, level: string): Logger {
  return pino({
    level,
    base: { service, version: VERSION, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    mixin: spanFields,
  });
}

function spanFields(): object {
  const span = trace.getActiveSpan()?.spanContext();
  return span && isSpanContextValid(span) ? { trace_id: span.traceId, span_id: span.spanId } : {};
}
