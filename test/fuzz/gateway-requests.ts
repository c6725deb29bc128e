/**
 * From a seed and a number to the bytes of an HTTP request, or of something that resembles one.
 */
import { gzipSync } from 'node:zlib';
import { hostileJson, type Json, mutatedBytes, mutatedEvent, validEvent } from './gateway-events.ts';
import { Random } from './random.ts';

export const ADMIN_KEY = 'fuzz-admin-key-0001';
/** Sends for `contoso` alone. */
export const CONTOSO_KEY = 'fuzz-contoso-key-0001';
/** Sends for a tenant that no event is of: judged in full, never accepted. */
export const NOBODY_KEY = 'fuzz-nobody-key-0001';

export const BODY_BYTES_MAX = 256 * 1024;
export const BATCH_EVENTS_MAX = 200;

export interface Item {
  kind: string;
  bytes: Buffer;
  /**
   * `whole`: correct HTTP, so exactly so many answers on a connection that stays. `raw`: whatever comes until the
   * connection ends or the request behind it is answered. `cut`: the sender leaves before the request is complete.
   */
  expect: { whole: number } | 'raw' | 'cut';
}

interface Request {
  mode: 'structured' | 'batched' | 'binary';
  method: string;
  path: string;
  headers: [name: string, value: string][];
  body: Buffer;
}

const STRUCTURED = 'application/cloudevents+json';
const BATCHED = 'application/cloudevents-batch+json';

/** The item of a number: the same seed and number, the same bytes. */
export function itemOf(seed: number, item: number): Item {
  const random = new Random(seed, item);
  const share = random.int(1000);
  if (share < 840) {
    const one = request(random, item);
    return whole(one.mode, [one], random);
  }
  if (share < 880) return whole('elsewhere', [elsewhere(random, item)], random);
  if (share < 900) return pipelined(random, item);
  if (share < 920) return { kind: 'cut', expect: 'cut', bytes: cut(serialised(request(random, item), random), random) };
  if (share < 960) return { kind: 'raw-mutated', expect: 'raw', bytes: rawMutated(random, item) };
  if (share < 998) return { kind: 'raw-odd', expect: 'raw', bytes: oddHttp(random, item) };
  return { kind: 'raw-incomplete', expect: 'raw', bytes: incomplete(random, item) };
}

function whole(kind: string, requests: Request[], random: Random): Item {
  return {
    kind,
    expect: { whole: requests.length },
    bytes: Buffer.concat(requests.map((one) => serialised(one, random))),
  };
}

function pipelined(random: Random, item: number): Item {
  const requests = Array.from({ length: 2 + random.int(4) }, (_, index) => request(random, item, `${index}-`));
  return whole('pipelined', requests, random);
}

/** `POST /v1/events` in one of the three modes, valid or not, under one of the keys. */
function request(random: Random, item: number, part = ''): Request {
  const id = `${part}${item}`;
  const mode = random.pick(MODES);
  const { contentType, headers, body } = CONTENTS[mode](random, id);
  const type = random.chance(0.05) ? random.pick(CONTENT_TYPES) : contentType;
  const key = random.chance(0.85)
    ? `Bearer ${random.chance(0.9) ? ADMIN_KEY : CONTOSO_KEY}`
    : random.pick(AUTHORIZATIONS);
  const encoded = random.chance(0.02);
  return {
    mode,
    method: 'POST',
    path: '/v1/events',
    headers: [
      ['authorization', key],
      ['content-type', type],
      ...(encoded
        ? ([['content-encoding', random.pick(['gzip', 'br', 'deflate', 'identity', 'x'])]] as [string, string][])
        : []),
      ...headers,
    ],
    body: encoded ? gzipSync(body) : body,
  };
}

interface Content {
  contentType: string;
  headers: [string, string][];
  body: Buffer;
}

function bodyOf(value: Json, random: Random): Buffer {
  const share = random.int(100);
  if (share === 0) return hostileJson(random);
  if (share === 1 && random.chance(0.2)) return Buffer.alloc(BODY_BYTES_MAX + 1 + random.int(50_000), 0x20);
  const bytes = Buffer.from(JSON.stringify(value));
  return share < 20 ? mutatedBytes(bytes, random) : bytes;
}

function eventOf(random: Random, id: string): Json {
  const event = validEvent(random, `f-${id}`);
  return random.chance(0.5) ? event : mutatedEvent(event, random);
}

function structured(random: Random, id: string): Content {
  return { contentType: STRUCTURED, headers: [], body: bodyOf(eventOf(random, id), random) };
}

function batched(random: Random, id: string): Content {
  const size = random.chance(0.01) ? BATCH_EVENTS_MAX + 1 : random.int(8);
  const events = Array.from({ length: size }, (_, index) => (size > 8 ? index : eventOf(random, `${id}-${index}`)));
  const batch = random.chance(0.97) ? events : random.pick<Json>([{}, null, 'x', 7, [events]]);
  return { contentType: BATCHED, headers: [], body: bodyOf(batch, random) };
}

function binary(random: Random, id: string): Content {
  const { data, ...attributes } = validEvent(random, `f-${id}`);
  const headers: [string, string][] = Object.entries(attributes).map(([name, value]) => [
    random.chance(0.9) ? `ce-${name}` : `CE-${name.toUpperCase()}`,
    random.chance(0.9) ? encodeURIComponent(String(value)).replaceAll('%2F', '/') : random.pick(HEADER_TEXTS),
  ]);
  for (let left = random.chance(0.2) ? 1 + random.int(3) : 0; left > 0; left--) {
    const at = random.int(headers.length + 1);
    if (random.chance(0.3)) headers.splice(at, 1);
    else headers.splice(at, 0, [random.pick(HEADER_NAMES), random.pick(HEADER_TEXTS)]);
  }
  const content = random.chance(0.7) ? (data ?? null) : mutatedEvent((data ?? {}) as { [name: string]: Json }, random);
  const body = random.chance(0.03) ? Buffer.alloc(0) : bodyOf(content, random);
  return { contentType: 'application/json', headers, body };
}

const CONTENTS = { structured, batched, binary };
const MODES = ['structured', 'structured', 'batched', 'binary'] as const;
const HEADER_NAMES = [
  'ce-id',
  'ce-type',
  'ce-time',
  'ce-source',
  'ce-data',
  'ce-datacontenttype',
  'ce-',
  'ce-ext1',
  'ce-__proto__',
  'ce-constructor',
  'x-y',
];
const HEADER_TEXTS = [
  '',
  'x',
  '%',
  '%ff',
  '%C3%A9',
  '%00',
  '%ZZ',
  '"a b"',
  '"',
  '"\\"',
  '"%22\\\\"',
  '\xe9',
  '\xff\xfe',
  'a\tb',
  'x'.repeat(2_000),
  '1.0',
  '2.0',
  '2026-01-01T00:00:00Z',
  'tally.interaction.v1',
  'a,b',
  '%F0%9F%A7%91',
];
const CONTENT_TYPES = [
  '',
  'application/json',
  'application/json; charset=utf-8',
  'application/json; charset=utf-16',
  'application/json;charset="utf8"',
  'text/plain',
  'application/cloudevents',
  'application/cloudevents+xml',
  `${STRUCTURED}; charset=UTF-8; x=y`,
  BATCHED.toUpperCase(),
  'application/x+json',
  'multipart/form-data; boundary=x',
  '*/*',
  ';;;',
  'a'.repeat(3_000),
  '\xff',
];
const AUTHORIZATIONS = [
  '',
  'Bearer',
  'Bearer ',
  `bearer ${ADMIN_KEY}`,
  `Bearer  ${ADMIN_KEY} `,
  `Bearer ${ADMIN_KEY}x`,
  'Bearer unknown-key-0000001',
  'Basic YTpi',
  `Bearer ${'k'.repeat(2_000)}`,
  ADMIN_KEY,
  'Bearer \xe9',
  `Bearer ${NOBODY_KEY}`,
];

/** Other methods, other paths. */
function elsewhere(random: Random, item: number): Request {
  const base = request(random, item);
  const paths = [
    '/v1/events',
    '/v1/events/',
    '//v1/events',
    '/v1/%65vents',
    '/v1/events?a=b&a=c',
    '/v1/events;x',
    '/v1/%',
    '/v1/%ff',
    '/%00',
    '/',
    '/health/live',
    '/health/x',
    '/v1/../v1/events',
    '/V1/EVENTS',
    `/${'a'.repeat(2_000)}`,
    `/v1/events?${'q'.repeat(2_000)}`,
    '/v1/events#x',
    '/__proto__',
    '/v1/tenants/a/interactions',
    'http://other.example/v1/events',
    '*',
  ];
  const methods = ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'POST', 'POST', 'PROPFIND', 'QUERY', 'TRACE'];
  return { ...base, method: random.pick(methods), path: random.pick(paths) };
}

/** Correct HTTP/1.1, with a length or in chunks. */
function serialised({ method, path, headers, body }: Request, random: Random): Buffer {
  const chunked = random.chance(0.15);
  const framing: [string, string] = chunked
    ? ['transfer-encoding', 'chunked']
    : ['content-length', String(body.length)];
  const lines = [...headers, framing].map(([name, value]) => `${name}: ${value}`);
  const head = `${method} ${path} HTTP/1.1\r\nHost: fuzz\r\n${lines.join('\r\n')}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), chunked ? chunks(body, random) : body]);
}

function chunks(body: Buffer, random: Random): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const part = body.subarray(at, at + 1 + random.int(Math.max(64, body.length / 8)));
    const extension = random.chance(0.1) ? ';a="b"' : '';
    parts.push(Buffer.from(`${part.length.toString(16)}${extension}\r\n`), part, Buffer.from('\r\n'));
    at += part.length;
  }
  parts.push(Buffer.from(random.chance(0.1) ? '0\r\nx-trailer: 1\r\n\r\n' : '0\r\n\r\n'));
  return Buffer.concat(parts);
}

function cut(bytes: Buffer, random: Random): Buffer {
  return bytes.subarray(0, random.int(bytes.length));
}

/** Never accepted, whatever becomes of its bytes: so no acceptance can get lost with a connection that is cut. */
function nobodys(random: Random, item: number): Request {
  const { headers, ...rest } = request(random, item);
  const others = headers.filter(([name]) => name !== 'authorization');
  return { ...rest, headers: [['authorization', `Bearer ${NOBODY_KEY}`], ...others] };
}

function rawMutated(random: Random, item: number): Buffer {
  return mutatedBytes(serialised(nobodys(random, item), random), random);
}

/** Announces more than it sends: the gateway has to end the wait. */
function incomplete(random: Random, item: number): Buffer {
  const { body, headers } = nobodys(random, item);
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const head = `POST /v1/events HTTP/1.1\r\nHost: fuzz\r\n${lines}content-length: ${body.length + 1_000}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}

/** HTTP that is wrong in a known way, or seldom seen. */
function oddHttp(random: Random, item: number): Buffer {
  const { body } = nobodys(random, item);
  const common = `Host: fuzz\r\nauthorization: Bearer ${NOBODY_KEY}\r\ncontent-type: ${STRUCTURED}\r\n`;
  const length = `content-length: ${body.length}\r\n`;
  const post = (headers: string, version = 'HTTP/1.1') => `POST /v1/events ${version}\r\n${common}${headers}\r\n`;
  const head = random.pick([
    () => post(length, 'HTTP/1.0'),
    () => post(length, 'HTTP/2.0'),
    () => post(length, 'HTTP/1.1 x'),
    () => post(`${length}connection: close\r\n`),
    () => post(`${length}expect: 100-continue\r\n`),
    () => post(`${length}expect: else\r\n`),
    () => post(`${length}upgrade: websocket\r\nconnection: upgrade\r\n`),
    () => post(`${length}${length}`),
    () => post(`${length}content-length: 1\r\n`),
    () => post(`${length}transfer-encoding: chunked\r\n`),
    () => post('content-length: -1\r\n'),
    () => post('content-length: 99999999999999999999\r\n'),
    () => post('content-length: 0x10\r\n'),
    () => post('transfer-encoding: gzip, chunked\r\n'),
    () => post('transfer-encoding: chunked\r\n').concat('zz\r\n'),
    () => post('transfer-encoding: chunked\r\n').concat('ffffffffffffffff\r\n'),
    () => post(`${length}x: ${'y'.repeat(20_000)}\r\n`),
    () => post(`${length}${'x: y\r\n'.repeat(3_000)}`),
    () => post(`${length}x y: z\r\n`),
    () => post(`${length}: z\r\n`),
    () => post(`${length}x: a\0b\r\n`),
    () => post(`${length}x: a\rb\r\n`),
    () => post(`${length} folded\r\n`),
    () => post('').replaceAll('\r\n', '\n'),
    () => post(length).replace('Host: fuzz\r\n', ''),
    () => post(length).replace('POST', 'CONNECT'),
    () => post(length).replace('POST', random.bytes(4).toString('latin1')),
    () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    () => '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    () => '\r\n\r\n\r\n',
    () => random.bytes(1 + random.int(400)).toString('latin1'),
  ])();
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}
