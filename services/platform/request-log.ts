/**
 * What is noted of every request: its id, its duration as a metric, and a line in the log. Of what was sent, only the
 * method and the route as it was declared are in the line: no header, no body, no value of a parameter.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { context } from '@opentelemetry/api';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Gauge, Histogram, type Registry } from 'prom-client';
import type { Logger } from './log.ts';

/** Of callers who name their requests themselves, to find them again in our log. */
const SANE_ID = /^[A-Za-z0-9][A-Za-z0-9._:+/=-]{0,63}$/;

/** Asked every few seconds by machines; a line for each would be most of the log. */
export const PROBES = /^\/(?:health\/(?:live|ready)|metrics)$/;

export interface RequestLogOptions {
  log: Logger;
  registry: Registry;
  /** Of the line of a request that was not refused; one that was has `info`. */
  level: 'info' | 'debug';
  /** Who sent a request: an id, never a name. */
  callerIdOf: (request: FastifyRequest) => string | undefined;
}

/** The id that the caller gave in `X-Request-Id`, if it is one, or a new one. */
export function requestIdOf({ headers }: IncomingMessage): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && SANE_ID.test(given) ? given : randomUUID();
}

export class RequestLog {
  readonly #options: RequestLogOptions;
  readonly #duration: Histogram;
  readonly #inFlight: Gauge;
  readonly #codes = new WeakMap<FastifyRequest, string>();

  constructor(options: RequestLogOptions) {
    const registers = [options.registry];
    this.#options = options;
    this.#duration = new Histogram({
      name: 'tally_http_request_duration_seconds',
      help: 'Time from a request’s headers to the end of its answer, seconds; status `aborted`: the client left first',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    });
    this.#inFlight = new Gauge({
      name: 'tally_http_requests_in_flight',
      help: 'Requests begun and not yet answered',
      registers,
    });
  }

  /** To be told of a request once, as it begins. */
  begin(request: FastifyRequest, reply: FastifyReply): void {
    const began = performance.now();
    this.#inFlight.inc();
    const end = (): void => {
      this.#inFlight.dec();
      this.#end(request, reply, performance.now() - began);
    };
    // Under the request's span, if it has one: its line says which.
    reply.raw.once('close', context.bind(context.active(), end));
  }

  /** To be told why a request is refused, for its line. */
  refused(request: FastifyRequest, code: string): void {
    this.#codes.set(request, code);
  }

  #end(request: FastifyRequest, reply: FastifyReply, durationMs: number): void {
    const { log, level, callerIdOf } = this.#options;
    const { method } = request;
    const route = request.routeOptions?.url ?? 'none';
    const status = reply.raw.writableFinished ? String(reply.raw.statusCode) : 'aborted';
    this.#duration.observe({ method, route, status }, durationMs / 1_000);
    const code = this.#codes.get(request);
    const fields = { reqId: request.id, method, route, status, durationMs: Math.round(durationMs * 10) / 10 };
    const line = { ...fields, caller: callerIdOf(request), ...(code === undefined ? {} : { code }) };
    log[PROBES.test(route) || (code === undefined && level === 'debug') ? 'debug' : 'info'](line, 'request done');
  }
}
