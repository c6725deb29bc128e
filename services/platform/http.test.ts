import { once } from 'node:events';
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { TallyError } from './errors.ts';
import {
  announce,
  closeHttpServer,
  createHttpServer,
  type HttpServerOptions,
  listen,
  Problem,
  Registry,
} from './http.ts';

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function started(options: Partial<HttpServerOptions> = {}) {
  let written = '';
  const sink = new Writable({
    write(chunk, _encoding, done) {
      written += String(chunk);
      done();
    },
  });
  const log = pino({ level: 'trace' }, sink);
  const registry = new Registry();
  const ready = async () => ({ ok: true, detail: 'fine' });
  const app = createHttpServer({ log, registry, ready, bodyBytesMax: 1_024, requestTimeoutMs: 1_000, ...options });
  const held = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  app.post('/echo', async (request) => request.body);
  app.get('/things/:id', async () => ({ ok: true }));
  app.get('/bug', async () => {
    throw new Error('secret');
  });
  app.get('/away', async () => {
    throw new TallyError('secret', { code: 'AWAY', retriable: true });
  });
  app.get('/teapot', async () => {
    const headers = { 'x-tea': 'green' };
    throw new Problem({ status: 418, code: 'teapot', title: 'Teapot', detail: 'short', headers, extensions: { a: 1 } });
  });
  app.get('/slow', async () => {
    arrived.resolve();
    await held.promise;
    return { ok: true };
  });
  const url = await listen(app, { log, host: '127.0.0.1', port: 0 });
  closers.push(() => closeHttpServer(app, 100));
  return { app, url, held, arrived: arrived.promise, logged: () => written };
}

/** Sends bytes and returns all that comes back until the server ends the connection. */
async function raw(url: string, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk) => {
    answer += String(chunk);
  });
  socket.on('error', () => undefined);
  socket.write(bytes);
  await once(socket, 'close');
  return answer;
}

describe('errors', () => {
  const json = { 'content-type': 'application/json' };

  it.each<[string, RequestInit, number, string]>([
    ['/nothing', {}, 404, 'not-found'],
    ['/things/7', { method: 'DELETE' }, 405, 'method-not-allowed'],
    ['/things/%ff', {}, 400, 'invalid-url'],
    ['/echo', { method: 'POST', body: '{', headers: json }, 400, 'invalid-json'],
    ['/echo', { method: 'POST', body: '', headers: json }, 400, 'invalid-json'],
    ['/echo', { method: 'POST', body: 'x', headers: { 'content-type': 'a/b' } }, 415, 'unsupported-media-type'],
    ['/echo', { method: 'POST', body: `"${'x'.repeat(1_023)}"`, headers: json }, 413, 'body-too-large'],
    ['/bug', {}, 500, 'internal'],
    ['/away', {}, 503, 'unavailable'],
    ['/teapot', {}, 418, 'teapot'],
  ])('%s %j: a problem with status %i and code %s', async (path, init, status, code) => {
    const { url, logged } = await started();
    const answer = await fetch(url + path, init);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    const text = await answer.text();
    expect(JSON.parse(text)).toMatchObject({
      ...{ type: `urn:tally:problem:${code}`, status, code, title: expect.any(String), detail: expect.any(String) },
      requestId: answer.headers.get('x-request-id'),
    });
    expect(text).not.toContain('secret');
    expect(logged()).toContain(answer.headers.get('x-request-id'));
  });

  it('passes on a problem’s headers and further members', async () => {
    const { url } = await started();
    const answer = await fetch(`${url}/teapot`);
    expect(answer.headers.get('x-tea')).toBe('green');
    expect(await answer.json()).toMatchObject({ a: 1 });
    expect((await fetch(`${url}/things/7`, { method: 'DELETE' })).headers.get('allow')).toBe('GET, HEAD');
    expect((await fetch(`${url}/away`)).headers.get('retry-after')).toBe('5');
  });

  it('reaches a client that reads no answer before it has sent all of a body far too large', async () => {
    const { url } = await started({ requestTimeoutMs: 10_000 });
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    const bytes = 32 * 1024 * 1024;
    socket.pause();
    socket.write(
      `POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${bytes}\r\n\r\n`,
    );
    const sent = Promise.withResolvers<void>();
    socket.write(Buffer.alloc(bytes), (error) => (error ? sent.reject(error) : sent.resolve()));
    await sent.promise;
    const answered = once(socket, 'data');
    socket.resume();
    const [answer] = await answered;
    expect(String(answer)).toMatch(/^HTTP\/1.1 413 /);
    socket.destroy();
  });

  it('logs neither keys nor bodies', async () => {
    const { url, logged } = await started();
    const headers = { ...json, authorization: 'Bearer a-secret-key' };
    await fetch(`${url}/echo?token=in-the-query`, { method: 'POST', headers, body: '{"name":"in-the-body"' });
    await fetch(`${url}/echo`, { method: 'POST', headers, body: '{"name":"in-the-body"}' });
    expect(logged()).toContain('request done');
    expect(logged()).not.toMatch(/a-secret-key|in-the-body|in-the-query/);
  });
});

describe('clients that misbehave', () => {
  it.each([
    ['no HTTP', 'hello\r\n\r\n', 400, 'invalid-request'],
    ['endless headers', `GET / HTTP/1.1\r\nhost: x\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'headers-too-large'],
    ['headers that never end', 'GET / HTTP/1.1\r\nhost: x\r\n', 408, 'request-timeout'],
    [
      'a body that never ends',
      'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{',
      408,
      'request-timeout',
    ],
  ])('%s', async (_name, bytes, status, code) => {
    const { url } = await started();
    const answer = await raw(url, bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain(`"code":"${code}"`);
  });

  it('leave no request counted as in flight', async () => {
    const { url, app } = await started();
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write('POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{');
    await new Promise((resolve) => setTimeout(resolve, 100));
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const { body } = await app.inject('/metrics');
    expect(body).toContain('tally_http_requests_in_flight 1\n'); // the request that asks
    expect(body).toContain('status="aborted"} 1');
  });
});

describe('close', () => {
  it('finishes the request in hand and refuses new ones', async () => {
    const { app, url, held, arrived } = await started();
    const inHand = fetch(`${url}/slow`);
    await arrived;
    const closed = closeHttpServer(app, 5_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await expect(fetch(`${url}/health/live`)).rejects.toThrow();
    held.resolve();
    expect((await inHand).status).toBe(200);
    await closed;
  });

  it('answers 503 to a request that ends after the close began', async () => {
    const { app, url } = await started({ requestTimeoutMs: 5_000 });
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk) => {
      answer += String(chunk);
    });
    socket.write('GET /things/7 HTTP/1.1\r\n');
    await new Promise((resolve) => setTimeout(resolve, 50));
    const closed = closeHttpServer(app, 5_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.write('host: x\r\n\r\n');
    await once(socket, 'close');
    await closed;
    expect(answer).toMatch(/^HTTP\/1.1 503 /);
    expect(answer.toLowerCase()).toContain('connection: close');
    expect(answer).toContain('"code":"shutting-down"');
  });

  it('drops a client that would keep it waiting', async () => {
    const { app, url, arrived, held } = await started();
    const inHand = fetch(`${url}/slow`).catch(() => 'dropped');
    await arrived;
    await closeHttpServer(app, 50);
    expect(await inHand).toBe('dropped');
    held.resolve();
  });
});

describe('probes', () => {
  it.each<[string, HttpServerOptions['ready'], number]>([
    ['ready', async () => ({ ok: true, detail: 'all there' }), 200],
    ['not ready', async () => ({ ok: false, detail: 'the log is away' }), 503],
    ['failing', () => Promise.reject(new Error('secret')), 500],
  ])('%s', async (_name, ready, status) => {
    const { url } = await started({ ready });
    expect((await fetch(`${url}/health/ready`)).status).toBe(status);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
  });
});

it('announces by a whole file or none', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'announce-'));
  await announce(join(directory, 'ready.json'), { url: 'http://127.0.0.1:1234' });
  expect(await readdir(directory)).toEqual(['ready.json']);
  expect(await readFile(join(directory, 'ready.json'), 'utf8')).toBe('{"url":"http://127.0.0.1:1234"}\n');
});
