/**
 * An HTTP server as every service runs it: problem details (RFC 9457) for every error, probes, metrics, timeouts against
 * slow clients, and a close that finishes the requests in hand. Neither headers nor bodies are ever logged.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController,
} from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Logger } from './log.ts';
import { answerMalformed } from './malformed.ts';
import { bodyOf, Problem, problem, problemOf, RETRY_AFTER_SECONDS } from './problem.ts';
import { RequestLog, requestIdOf } from './request-log.ts';
import { traceRequests } from './trace-requests.ts';
import type { Tracing } from './tracing.ts';
import { VERSION } from './version.ts';

export type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
export { Counter, Gauge, Histogram, Registry } from 'prom-client';
export { Problem, type ProblemOptions, unauthorized } from './problem.ts';

export interface Readiness {
  ok: boolean;
  /** For a person: what was asked and what it said. */
  detail: string;
}

export interface HttpServerOptions {
  log: Logger;
  /** The server's own metrics go here, and `GET /metrics` shows all of it. */
  registry: Registry;
  /** Whether the service can do its work now; asked by `GET /health/ready`. */
  ready: () => Promise<Readiness>;
  /** Largest request body, bytes. */
  bodyBytesMax: number;
  /** How long a client may take to send a whole request, milliseconds. */
  requestTimeoutMs: number;
  /** How long a client may take to send the headers, milliseconds. Default 10,000, at most `requestTimeoutMs`. */
  headersTimeoutMs?: number;
  /** A connection without any traffic for this long is dropped: nobody reads the answer. Default 120,000 milliseconds. */
  idleTimeoutMs?: number;
  /** Open connections; further ones are dropped. Default 2,000. */
  connectionsMax?: number;
  /** On every answer, problems too; a route may set others. */
  headers?: Readonly<Record<string, string>>;
  /** Proxies whose `X-Forwarded-For` and `-Proto` are believed: addresses and networks. Default none. */
  trustedProxies?: readonly string[];
  /** Of a request's line in the log; see request-log.ts. Default `debug`. */
  requestLogLevel?: 'info' | 'debug';
  /** Who sent a request, for the log: an id, never a name. */
  callerIdOf?: (request: FastifyRequest) => string | undefined;
  /** Makes a span of every request. */
  tracing?: Tracing | undefined;
  /** Called before the first route is added, so that its hooks see all of them. */
  beforeRoutes?: (app: FastifyInstance) => void;
}

const KEEP_ALIVE_MS_MAX = 72_000;
const TIMEOUT_CHECK_INTERVAL_MS = 1_000;
const READY_CHECK_MS_MAX = 5_000;
/** Tokens of identity providers are long; Node takes 16 KiB of headers. */
const BEARER_KEY_CHARS_MAX = 8_192;

/** A server with probes, `/metrics` and error handling; the caller adds routes, then calls `listen`. */
export function createHttpServer(options: HttpServerOptions): FastifyInstance {
  const { log, registry, bodyBytesMax, requestTimeoutMs, headers = {}, trustedProxies = [] } = options;
  const problems = new Counter({
    name: 'tally_http_problems_total',
    help: 'Requests answered with a problem, by its code',
    labelNames: ['code'],
    registers: [registry],
  });
  const { requestLogLevel: level = 'debug', callerIdOf = () => undefined } = options;
  const requests = new RequestLog({ log, registry, level, callerIdOf });
  const send: SendProblem = (problem, request, reply) => {
    problems.inc({ code: problem.code });
    requests.refused(request, problem.code);
    sendProblem(log, problem, request, reply);
  };
  const app: FastifyInstance = fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIdOf,
    trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
    bodyLimit: bodyBytesMax,
    requestTimeout: requestTimeoutMs,
    connectionTimeout: options.idleTimeoutMs ?? 120_000,
    keepAliveTimeout: KEEP_ALIVE_MS_MAX,
    http: {
      requestTimeout: requestTimeoutMs,
      headersTimeout: Math.min(options.headersTimeoutMs ?? 10_000, requestTimeoutMs),
      connectionsCheckingInterval: TIMEOUT_CHECK_INTERVAL_MS,
    },
    return503OnClosing: false, // the hook below answers with a problem
    routerOptions: { maxParamLength: 256 },
    // Hooks do not see these.
    frameworkErrors: (error, request, rawReply) => {
      const reply = rawReply as unknown as FastifyReply;
      requests.begin(request, reply);
      send(problemOf(error), request, reply.headers(headers));
    },
    clientErrorHandler: (error, socket) =>
      answerMalformed(error, socket, { headers, count: (code) => problems.inc({ code }) }),
  });
  app.server.maxConnections = options.connectionsMax ?? 2_000;
  app.setErrorHandler((error, request, reply) => send(problemOf(error), request, reply));
  const unrouted = unroutedProblems(app);
  app.setNotFoundHandler((request, reply) => send(unrouted(request), request, reply));
  if (options.tracing) traceRequests(app, options.tracing);
  app.addHook('onRequest', async (request, reply) => {
    requests.begin(request, reply);
    reply.headers({ ...headers, 'x-request-id': request.id });
  });
  refuseWhileClosing(app);
  options.beforeRoutes?.(app);
  addProbes(app, registry, options.ready);
  return app;
}

export interface ListenOptions {
  log: Logger;
  host: string;
  /** 0 means any free one. */
  port: number;
  /** Where to write `{"url"}` for a supervisor. */
  readyFile?: string | undefined;
}

/** Listens, says so in the log and in the ready file, and returns the URL. Throws Node's error when the port is taken. */
export async function listen(app: FastifyInstance, { log, host, port, readyFile }: ListenOptions): Promise<string> {
  const url = await app.listen({ host, port, listenTextResolver: () => 'socket bound' });
  if (readyFile !== undefined) await announce(readyFile, { url });
  log.info({ url }, 'listening');
  return url;
}

/** Writes what others wait for, as JSON; they see the whole file or none. */
export async function announce(path: string, what: Readonly<Record<string, unknown>>): Promise<void> {
  const unfinished = `${path}.${process.pid}.tmp`;
  await writeFile(unfinished, `${JSON.stringify(what)}\n`);
  await rename(unfinished, path);
}

/** Takes no new requests, answers those in hand, and after `graceMs` drops the connections that are still there. */
export async function closeHttpServer(app: FastifyInstance, graceMs: number): Promise<void> {
  const drop = setTimeout(() => app.server.closeAllConnections(), graceMs);
  await app.close().finally(() => clearTimeout(drop));
}

/** A registry that already holds which release this is, and the process metrics (memory, CPU, event loop, garbage collection). */
export function createRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const buildInfo = new Gauge({
    name: 'tally_build_info',
    help: 'Which release runs, and on which Node; always 1',
    labelNames: ['version', 'node'],
    registers: [registry],
  });
  buildInfo.set({ version: VERSION, node: process.versions.node }, 1);
  return registry;
}

/** The key of `Authorization: Bearer KEY`, or undefined. */
export function bearerKey(request: FastifyRequest): string | undefined {
  const header = request.headers.authorization;
  if (header === undefined || header.length > BEARER_KEY_CHARS_MAX) return undefined;
  return /^Bearer +([\x21-\x7e]+) *$/i.exec(header)?.[1];
}

/** Which key may do what. Keys are held and compared as SHA-256, in a time that does not depend on them. */
export class KeyRing<Grant> {
  readonly #entries: readonly { digest: Buffer; grant: Grant }[];

  constructor(grants: Iterable<readonly [key: string, grant: Grant]>) {
    this.#entries = [...grants].map(([key, grant]) => ({ digest: sha256(key), grant }));
  }

  /** What a key grants; undefined for an unknown one. */
  find(key: string): Grant | undefined {
    const digest = sha256(key);
    let found: { grant: Grant } | undefined;
    for (const entry of this.#entries) if (timingSafeEqual(entry.digest, digest)) found = entry;
    return found?.grant;
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

type SendProblem = (problem: Problem, request: FastifyRequest, reply: FastifyReply) => void;

function sendProblem(log: Logger, problem: Problem, request: FastifyRequest, reply: FastifyReply): void {
  const { status, code } = problem;
  const fields = { reqId: request.id, status, code };
  if (status === 500) log.error({ ...fields, err: problem.cause ?? problem }, 'request failed');
  else if (status > 500) log.warn({ ...fields, err: problem.cause }, 'request failed');
  // The framework wants to cut the connection of a client that is still sending; its answer would then be lost on the
  // way. Left open, Node reads and drops the rest of the body, for requestTimeoutMs at most.
  if (status === 413) reply.removeHeader('connection');
  reply
    .code(status)
    .headers({
      'x-request-id': request.id,
      'cache-control': 'no-store',
      ...problem.headers,
      'content-type': 'application/problem+json',
    })
    .send(Buffer.from(JSON.stringify(bodyOf(problem, request.id)))); // bytes: to text the framework adds a charset
}

/** 405 with Allow for a path that exists under other methods, else 404. */
function unroutedProblems(app: FastifyInstance): (request: FastifyRequest) => Problem {
  const routes: { pattern: RegExp; methods: string[] }[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    const pattern = url.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/:\w+/g, '[^/]+');
    routes.push({ pattern: new RegExp(`^${pattern.replaceAll('*', '.*')}$`), methods: [method].flat() });
  });
  return (request) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const allowed = new Set(routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods));
    if (allowed.size === 0) {
      return new Problem({ status: 404, ...problem('not-found', 'Not found', 'there is nothing at this path') });
    }
    const allow = [...allowed].sort().join(', ');
    const detail = `this path takes ${allow}`;
    const headers = { allow };
    return new Problem({ status: 405, ...problem('method-not-allowed', 'Method not allowed', detail), headers });
  };
}

function refuseWhileClosing(app: FastifyInstance): void {
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
  });
  app.addHook('onRequest', async () => {
    if (!closing) return;
    const headers = { 'retry-after': String(RETRY_AFTER_SECONDS) };
    const detail = 'this instance is shutting down; try again';
    throw new Problem({ status: 503, ...problem('shutting-down', 'Shutting down', detail), headers });
  });
  app.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close');
  });
}

function addProbes(app: FastifyInstance, registry: Registry, ready: () => Promise<Readiness>): void {
  app.get('/health/live', async () => ({ ok: true }));
  app.get('/health/ready', async () => {
    const { ok, detail } = await withinTime(ready);
    if (ok) return { ok, detail };
    throw new Problem({ status: 503, ...problem('not-ready', 'Not ready', detail) });
  });
  app.get('/metrics', async (_request, reply) => {
    reply.header('content-type', registry.contentType);
    return registry.metrics();
  });
}

async function withinTime(ready: () => Promise<Readiness>): Promise<Readiness> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Readiness>((resolve) => {
    const detail = `no answer within ${READY_CHECK_MS_MAX} ms`;
    timer = setTimeout(() => resolve({ ok: false, detail }), READY_CHECK_MS_MAX);
  });
  return await Promise.race([ready(), late]).finally(() => clearTimeout(timer));
}
