/**
 * An HTTP server as every service runs it: problem details (RFC 9457) for every error, probes, metrics, timeouts against
 * slow clients, and a close that finishes the requests in hand. Neither headers nor bodies are ever logged.
 */
import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController,
} from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { TallyError } from './errors.ts';
import type { Logger } from './log.ts';

export type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
export { Counter, Gauge, Registry } from 'prom-client';

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
  /** Open connections; further ones are dropped. Default 2,000. */
  connectionsMax?: number;
  /** Called before the first route is added, so that its hooks see all of them. */
  beforeRoutes?: (app: FastifyInstance) => void;
}

const KEEP_ALIVE_MS_MAX = 72_000;
/** A connection without any traffic for this long is dropped: nobody reads the answer. */
const SOCKET_IDLE_MS_MAX = 120_000;
const TIMEOUT_CHECK_INTERVAL_MS = 1_000;
const READY_CHECK_MS_MAX = 5_000;
const LOGGED_PATH_CHARS_MAX = 200;
/** Tokens of identity providers are long; Node takes 16 KiB of headers. */
const BEARER_KEY_CHARS_MAX = 8_192;
const RETRY_AFTER_SECONDS = 5;

export interface ProblemOptions {
  /** HTTP status, 400 to 599. */
  status: number;
  /** Stable name of the kind of fault, `in-kebab-case`. */
  code: string;
  /** The kind of fault in words, the same for every occurrence. */
  title: string;
  /** This occurrence in words. */
  detail: string;
  headers?: Readonly<Record<string, string>>;
  /** Further members of the answer's body. */
  extensions?: Readonly<Record<string, unknown>>;
  cause?: unknown;
}

/** An error whose words are meant for the client: it becomes an `application/problem+json` answer. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly extensions: Readonly<Record<string, unknown>>;

  constructor({ status, code, title, detail, headers = {}, extensions = {}, cause }: ProblemOptions) {
    super(`${code}: ${detail}`, cause === undefined ? undefined : { cause });
    this.name = 'Problem';
    this.status = status;
    this.code = code;
    this.title = title;
    this.detail = detail;
    this.headers = headers;
    this.extensions = extensions;
  }
}

/** A server with probes, `/metrics` and error handling; the caller adds routes, then calls `listen`. */
export function createHttpServer(options: HttpServerOptions): FastifyInstance {
  const { log, registry, bodyBytesMax, requestTimeoutMs } = options;
  const problems = new Counter({
    name: 'tally_http_problems_total',
    help: 'Requests answered with a problem, by its code',
    labelNames: ['code'],
    registers: [registry],
  });
  const send: SendProblem = (problem, request, reply) => {
    problems.inc({ code: problem.code });
    sendProblem(log, problem, request, reply);
  };
  const app: FastifyInstance = fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    bodyLimit: bodyBytesMax,
    requestTimeout: requestTimeoutMs,
    connectionTimeout: SOCKET_IDLE_MS_MAX,
    keepAliveTimeout: KEEP_ALIVE_MS_MAX,
    http: {
      requestTimeout: requestTimeoutMs,
      headersTimeout: Math.min(options.headersTimeoutMs ?? 10_000, requestTimeoutMs),
      connectionsCheckingInterval: TIMEOUT_CHECK_INTERVAL_MS,
    },
    return503OnClosing: false, // the hook below answers with a problem
    routerOptions: { maxParamLength: 256 },
    frameworkErrors: (error, request, reply) => send(problemOf(error), request, reply as unknown as FastifyReply),
    clientErrorHandler: (error, socket) => answerMalformed(error, socket, (code) => problems.inc({ code })),
  });
  app.server.maxConnections = options.connectionsMax ?? 2_000;
  app.setErrorHandler((error, request, reply) => send(problemOf(error), request, reply));
  const unrouted = unroutedProblems(app);
  app.setNotFoundHandler((request, reply) => send(unrouted(request), request, reply));
  observeRequests(app, log, registry);
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

/** A registry that already holds the process metrics (memory, CPU, event loop, garbage collection). */
export function createRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
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

  /** What the request's key grants. Throws a 401 Problem without a key or with an unknown one. */
  grantOf(request: FastifyRequest): Grant {
    const key = bearerKey(request);
    if (key === undefined) throw unauthorized('the Authorization header holds no Bearer key', 'Bearer');
    const grant = this.find(key);
    if (grant === undefined) throw unauthorized('the key is not known here', 'Bearer error="invalid_token"');
    return grant;
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

/** A 401 Problem; `challenge` is its `WWW-Authenticate`. */
export function unauthorized(detail: string, challenge: string): Problem {
  const headers = { 'www-authenticate': challenge };
  return new Problem({ status: 401, code: 'unauthorized', title: 'A valid key is required', detail, headers });
}

type SendProblem = (problem: Problem, request: FastifyRequest, reply: FastifyReply) => void;

function sendProblem(log: Logger, problem: Problem, request: FastifyRequest, reply: FastifyReply): void {
  const { status, code } = problem;
  const fields = { reqId: request.id, method: request.method, path: pathOf(request), status, code };
  if (status === 500) log.error({ ...fields, err: problem.cause ?? problem }, 'request failed');
  else if (status > 500) log.warn({ ...fields, err: problem.cause }, 'request failed');
  else log.info(fields, 'request refused');
  // The framework wants to cut the connection of a client that is still sending; its answer would then be lost on the
  // way. Left open, Node reads and drops the rest of the body, for requestTimeoutMs at most.
  if (status === 413) reply.removeHeader('connection');
  reply
    .code(status)
    .headers({ 'x-request-id': request.id, ...problem.headers, 'content-type': 'application/problem+json' })
    .send(Buffer.from(JSON.stringify(bodyOf(problem, request.id)))); // bytes: to text the framework adds a charset
}

function bodyOf({ status, code, title, detail, extensions }: Problem, requestId?: string): Record<string, unknown> {
  return { type: `urn:tally:problem:${code}`, title, status, detail, code, requestId, ...extensions };
}

/** What the framework's own errors mean to a client; their text may name internals, so it is not passed on. */
const FRAMEWORK_PROBLEMS: Readonly<Record<string, Omit<ProblemOptions, 'status'>>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: problem('body-too-large', 'The body is too large', 'the body is over the size limit'),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: problem('unsupported-media-type', 'The media type is not accepted', 'see the docs'),
  FST_ERR_CTP_EMPTY_JSON_BODY: problem('invalid-json', 'The body is not JSON', 'the body is empty'),
  FST_ERR_CTP_INVALID_JSON_BODY: problem('invalid-json', 'The body is not JSON', 'the body does not parse as JSON'),
  FST_ERR_BAD_URL: problem('invalid-url', 'The URL is malformed', 'the path does not decode'),
  FST_ERR_MAX_PARAM_LENGTH: problem('invalid-url', 'The URL is malformed', 'a part of the path is too long'),
};

function problem(code: string, title: string, detail: string): Omit<ProblemOptions, 'status'> {
  return { code, title, detail };
}

function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof TallyError && error.retriable) {
    const headers = { 'retry-after': String(RETRY_AFTER_SECONDS) };
    const detail = 'a part of the service is away; try again';
    return new Problem({ status: 503, ...problem('unavailable', 'Not available now', detail), headers, cause: error });
  }
  const { statusCode, code, validation, message } = error as Partial<
    Record<'statusCode' | 'code' | 'validation' | 'message', unknown>
  >;
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    const known = FRAMEWORK_PROBLEMS[String(code)];
    if (known) return new Problem({ status: statusCode, ...known });
    const detail = validation ? String(message) : 'the request could not be read';
    return new Problem({ status: statusCode, ...problem('invalid-request', 'The request is not valid', detail) });
  }
  const detail = 'the fault is in the service; its log names it under this requestId';
  return new Problem({ status: 500, ...problem('internal', 'Internal error', detail), cause: error });
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

/** Requests that Node could not parse, or that took too long, never reach a route. */
function answerMalformed(error: Error & { code?: string }, socket: Socket, count: (code: string) => void): void {
  const gone = error.code === 'ECONNRESET' || error.code === 'HPE_INVALID_EOF_STATE';
  if (gone || !socket.writable) {
    socket.destroy();
    return;
  }
  const found =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? { status: 408, ...problem('request-timeout', 'The request took too long', 'the request did not end in time') }
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? { status: 431, ...problem('headers-too-large', 'The headers are too large', 'the headers are too large') }
        : { status: 400, ...problem('invalid-request', 'The request is not valid', 'this is not HTTP/1.1') };
  count(found.code);
  const body = JSON.stringify(bodyOf(new Problem(found)));
  const head = `HTTP/1.1 ${found.status} ${STATUS_CODES[found.status]}\r\ncontent-type: application/problem+json`;
  socket.end(`${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`);
}

function observeRequests(app: FastifyInstance, log: Logger, registry: Registry): void {
  const duration = new Histogram({
    name: 'tally_http_request_duration_seconds',
    help: 'Time from a request’s headers to the end of its answer, seconds; status `aborted`: the client left first',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [registry],
  });
  const inFlight = new Gauge({
    name: 'tally_http_requests_in_flight',
    help: 'Requests begun and not yet answered',
    registers: [registry],
  });
  app.addHook('onRequest', async (request, reply) => {
    const began = performance.now();
    inFlight.inc();
    reply.header('x-request-id', request.id);
    reply.raw.once('close', () => {
      inFlight.dec();
      const seconds = (performance.now() - began) / 1_000;
      const { method } = request;
      const status = reply.raw.writableFinished ? String(reply.raw.statusCode) : 'aborted';
      duration.observe({ method, route: request.routeOptions.url ?? 'none', status }, seconds);
      log.debug({ reqId: request.id, method, path: pathOf(request), status, seconds }, 'request done');
    });
  });
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

function pathOf(request: FastifyRequest): string {
  return (request.url.split('?', 1)[0] ?? '').slice(0, LOGGED_PATH_CHARS_MAX);
}
