/**
 * Structured logs: a constant message plus fields, one JSON object a line.
 */
import { type Logger, pino } from 'pino';
import { VERSION } from './version.ts';

export type { Logger } from 'pino';

export function createLog(service: string, level: string): Logger {
  return pino({
    level,
    base: { service, version: VERSION, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
  });
}
