/**
 * Clients that send too slowly, too much or nothing, and some that never read: the api as a process of its own drops them
 * or tells them so in the time that its settings say, and answers everybody else meanwhile.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../access/requests.ts';
import { ADMIN_KEY, freshTenant, TestSystem } from '../support/system.ts';

const HEADERS_MS = 2_000;
const REQUEST_MS = 4_000;
const IDLE_MS = 3_000;
/** Connections are looked at once a second, and the machine may have much else to do. */
const SLACK_MS = 8_000;
const BODY_BYTES_MAX = 1024 * 1024;
const BYTE_EVERY_MS = 50;
const IDLE_CONNECTIONS = 1_000;
const CONNECTIONS_MAX = 1_200;
/** Of somebody else, while others misbehave. */
const ANSWER_MS_MAX = 5_000;

interface Ended {
  text: string;
  afterMs: number;
}

describe('a client', () => {
  let system: TestSystem;
  let url: string;
  let pid: number;
  const tenantId = freshTenant('slow');
  const open = new Set<Socket>();

  beforeAll(async () => {
    system = await TestSystem.create('slow_clients');
    ({ url, pid } = await system.service('api/main.ts', {
      TALLY_API_HEADERS_TIMEOUT_MS: String(HEADERS_MS),
      TALLY_API_REQUEST_TIMEOUT_MS: String(REQUEST_MS),
      TALLY_API_IDLE_TIMEOUT_MS: String(IDLE_MS),
      TALLY_API_CONNECTIONS_MAX: String(CONNECTIONS_MAX),
    }));
  });

  afterAll(async () => {
    for (const socket of open) socket.destroy();
    await system.close();
  });

  function connected(): Socket {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.setNoDelay(true);
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    return socket;
  }

  /** What comes back until the api ends the connection, and when that is. */
  async function untilEnded(socket: Socket): Promise<Ended> {
    const began = performance.now();
    let text = '';
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    await once(socket, 'close');
    return { text, afterMs: performance.now() - began };
  }

  /** Sends text byte by byte until all of it is away or the connection ends. */
  async function drip(socket: Socket, text: string): Promise<void> {
    for (const byte of text) {
      if (socket.destroyed || socket.writableEnded) return;
      socket.write(byte);
      await sleep(BYTE_EVERY_MS);
    }
  }

  /** Asks for figures until the promise is there; each answer must come in time. */
  async function othersAreServedUntil<Result>(promise: Promise<Result>): Promise<Result> {
    let over = false;
    const done = promise.finally(() => {
      over = true;
    });
    done.catch(() => undefined);
    do {
      const began = performance.now();
      expect(await ask(url, `/v1/tenants/${tenantId}/quota`, { key: ADMIN_KEY })).toMatchObject({ status: 200 });
      expect(performance.now() - began).toBeLessThan(ANSWER_MS_MAX);
      await Promise.race([sleep(100), done.catch(() => undefined)]);
    } while (!over);
    return done;
  }

  const head = (method: string, path: string, more = '') =>
    `${method} ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ADMIN_KEY}\r\n${more}`;
  const put = (bytes: number) =>
    head(
      'PUT',
      `/v1/tenants/${tenantId}/licences`,
      `content-type: application/json\r\ncontent-length: ${bytes}\r\n\r\n`,
    );

  it('that sends headers a byte at a time is told so in time', async () => {
    const socket = connected();
    const ended = untilEnded(socket);
    drip(socket, head('GET', '/v1/tenants', `x-more: ${'x'.repeat(10_000)}\r\n\r\n`)).catch(() => undefined);
    const { text, afterMs } = await othersAreServedUntil(ended);
    expect(text).toMatch(/^HTTP\/1\.1 408 /);
    expect(text).toContain('"code":"request-timeout"');
    expect(text.toLowerCase()).toContain('content-security-policy: ');
    expect(afterMs).toBeGreaterThan(HEADERS_MS - 1_000);
    expect(afterMs).toBeLessThan(HEADERS_MS + SLACK_MS);
  });

  it('that sends a body a byte at a time is told so in time', async () => {
    const socket = connected();
    const ended = untilEnded(socket);
    socket.write(put(10_000));
    drip(socket, '{'.repeat(10_000)).catch(() => undefined);
    const { text, afterMs } = await othersAreServedUntil(ended);
    expect(text).toMatch(/^HTTP\/1\.1 408 /);
    expect(text).toContain('"code":"request-timeout"');
    expect(afterMs).toBeLessThan(REQUEST_MS + SLACK_MS);
  });

  it('that sends nothing is dropped in time', async () => {
    const { afterMs } = await othersAreServedUntil(untilEnded(connected()));
    expect(afterMs).toBeLessThan(Math.max(IDLE_MS, HEADERS_MS) + SLACK_MS);
  });

  it('that never reads its answers is dropped in time', async () => {
    const socket = connected();
    socket.pause();
    // Many answers behind one another, each larger than what asks for it; none of them is read.
    socket.write(head('GET', '/docs/swagger-ui-bundle.js', '\r\n').repeat(100));
    await othersAreServedUntil(sleep(IDLE_MS + SLACK_MS / 2));
    let dropped = false;
    socket.once('close', () => {
      dropped = true;
    });
    // Who does not read sees no end; what it sends to a connection that is gone does not arrive.
    for (let count = 0; count < 100 && !dropped; count++) {
      socket.write('\r\n');
      await sleep(100);
    }
    expect(dropped).toBe(true);
  });

  it.each([
    ['said before', () => put(BODY_BYTES_MAX + 1)],
    ['in pieces', () => `${put(0).replace(/content-length: 0/, 'transfer-encoding: chunked')}`],
  ])('whose body is too large, %s, is told so', async (how, begin) => {
    const socket = connected();
    const answered = once(socket, 'data');
    socket.write(begin());
    const piece = 'x'.repeat(64 * 1024);
    if (how === 'in pieces') {
      for (let sent = 0; sent <= BODY_BYTES_MAX; sent += piece.length) {
        socket.write(`${piece.length.toString(16)}\r\n${piece}\r\n`);
      }
    }
    const text = String((await othersAreServedUntil(answered))[0]);
    expect(text).toMatch(/^HTTP\/1\.1 413 /);
    expect(text).toContain('"code":"body-too-large"');
    socket.destroy();
  });

  it('whose headers are too large is told so', async () => {
    const socket = connected();
    const ended = untilEnded(socket);
    socket.write(head('GET', '/v1/tenants', `x-more: ${'x'.repeat(20_000)}\r\n\r\n`));
    const { text } = await othersAreServedUntil(ended);
    expect(text).toMatch(/^HTTP\/1\.1 431 /);
    expect(text).toContain('"code":"headers-too-large"');
  });

  it('with a thousand connections that do nothing keeps nobody from an answer, and is dropped', async () => {
    const all = Array.from({ length: IDLE_CONNECTIONS }, () => connected());
    await Promise.all(all.map((socket) => once(socket, 'connect')));
    const closed = Promise.all(all.map((socket) => new Promise((resolve) => socket.resume().once('close', resolve))));
    const began = performance.now();
    await othersAreServedUntil(closed);
    expect(performance.now() - began).toBeLessThan(Math.max(IDLE_MS, HEADERS_MS) + 2 * SLACK_MS);
  });

  it('finds the api as it was: the same process, with no request left over', async () => {
    for (const socket of open) socket.destroy();
    await sleep(500);
    const { text } = await ask(url, '/metrics');
    expect(text).toContain('tally_http_requests_in_flight 1\n'); // the one that asks
    expect(text).toMatch(/tally_http_problems_total\{code="request-timeout"\} \d+/);
    expect(() => process.kill(pid, 0)).not.toThrow();
  });
});
