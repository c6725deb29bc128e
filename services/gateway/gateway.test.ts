import { ProducerError } from '@tally/producer';
import { afterEach, describe, expect, it } from 'vitest';
import { ADMIN_KEY, BATCHED, createTestGateway, interaction, PRODUCER_KEY, STRUCTURED } from './test-gateway.ts';

const away = new ProducerError('no broker', { code: 'NOT_ACKNOWLEDGED', retriable: true });
const full = new ProducerError('no room', { code: 'BUFFER_FULL', retriable: true });
const GOOD = interaction('good');
const BAD = interaction('bad', { channel: 'fax' });
const FOREIGN = interaction('foreign', { tenantId: 'other' });

const open: ReturnType<typeof createTestGateway>[] = [];

function gateway(...options: Parameters<typeof createTestGateway>) {
  const created = createTestGateway(...options);
  open.push(created);
  return created;
}

afterEach(async () => {
  for (const { app } of open.splice(0)) await app.close();
});

describe('one event', () => {
  it('is accepted in the structured mode', async () => {
    const { log, postEvent } = gateway();
    const answer = await postEvent(GOOD);
    expect(answer.statusCode).toBe(202);
    const events = [{ index: 0, id: 'good', status: 'accepted' }];
    expect(answer.json()).toEqual({ accepted: 1, refused: 0, failed: 0, events });
    expect(log).toMatchObject([{ schema: 'Interaction', value: { eventId: 'good', direction: 'outbound' } }]);
  });

  it('is the same record in the binary mode', async () => {
    const { log, post, postEvent } = gateway();
    const event = interaction('id € "1"');
    const headers = {
      'ce-specversion': '1.0',
      'ce-type': event.type,
      'ce-source': event.source,
      'ce-id': 'id%20%E2%82%AC%20%221%22',
      'ce-time': event.time,
    };
    const answer = await post({ body: JSON.stringify(event.data), contentType: 'application/json', headers });
    expect(answer.json()).toMatchObject({ accepted: 1, events: [{ id: 'id € "1"' }] });
    await postEvent(event);
    expect(log[0]).toEqual(log[1]);
  });

  it('is refused with a problem that names code, detail and event', async () => {
    const { log, postEvent } = gateway();
    const answer = await postEvent(BAD);
    expect(answer.statusCode).toBe(400);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    const detail = expect.stringContaining('data.channel');
    expect(answer.json()).toMatchObject({
      ...{
        type: 'urn:tally:problem:invalid-data',
        title: expect.any(String),
        status: 400,
        code: 'invalid-data',
        detail,
      },
      ...{ accepted: 0, refused: 1, failed: 0 },
      events: [{ index: 0, id: 'bad', status: 'refused', code: 'invalid-data', detail, retriable: false }],
    });
    expect(log).toEqual([]);
  });

  it.each([
    ['Kafka is away', away, 503, 'kafka-unavailable', '5'],
    ['the buffer is full', full, 429, 'back-pressure', '1'],
    ['there is a bug', new Error('secret'), 500, 'internal', undefined],
  ])('is answered as failed when %s', async (_name, error, status, code, retryAfter) => {
    const { postEvent } = gateway({ before: () => Promise.reject(error) });
    const answer = await postEvent(GOOD);
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['retry-after']).toBe(retryAfter);
    expect(answer.json()).toMatchObject({
      code,
      accepted: 0,
      failed: 1,
      events: [{ status: 'failed', retriable: true }],
    });
    expect(answer.body).not.toContain('secret');
  });
});

describe('a batch', () => {
  /** Which ids the log refuses, and what then becomes of each event. */
  it.each<[string, unknown[], string[], number, string | undefined, string[]]>([
    ['all accepted', [GOOD, interaction('b')], [], 202, undefined, ['accepted', 'accepted']],
    ['one refused', [BAD, GOOD], [], 207, undefined, ['refused', 'accepted']],
    ['one failed', [interaction('b'), GOOD], ['b'], 207, undefined, ['failed', 'accepted']],
    ['all refused alike', [BAD, BAD], [], 400, 'invalid-data', ['refused', 'refused']],
    ['all refused, not alike', [BAD, 7], [], 400, 'batch-refused', ['refused', 'refused']],
    ['all valid ones failed', [BAD, GOOD], ['good'], 503, 'kafka-unavailable', ['refused', 'failed']],
  ])('%s', async (_name, events, failing, status, code, statuses) => {
    const { log, postBatch } = gateway({
      before: async ({ value }) => {
        if ('eventId' in value && failing.includes(value.eventId)) throw away;
      },
    });
    const answer = await postBatch(events);
    expect(answer.statusCode).toBe(status);
    expect(answer.json().code).toBe(code);
    expect(answer.json().events.map((event: { status: string }) => event.status)).toEqual(statuses);
    expect(log.length).toBe(answer.json().accepted);
    expect(answer.headers['retry-after']).toBe(status === 503 ? '5' : undefined);
  });

  it('answers per event, in the order of the batch, and keeps that order in the log', async () => {
    const { log, postBatch } = gateway();
    const answer = await postBatch([interaction('1'), BAD, interaction('2'), null, interaction('3')]);
    expect(answer.json()).toMatchObject({ accepted: 3, refused: 2, failed: 0 });
    expect(answer.json().events).toMatchObject([
      { index: 0, id: '1', status: 'accepted' },
      { index: 1, id: 'bad', status: 'refused', code: 'invalid-data' },
      { index: 2, id: '2', status: 'accepted' },
      { index: 3, id: null, status: 'refused', code: 'not-a-cloudevent' },
      { index: 4, id: '3', status: 'accepted' },
    ]);
    expect(log.map(({ value }) => 'eventId' in value && value.eventId)).toEqual(['1', '2', '3']);
  });

  it.each([
    [0, 400],
    [1, 202],
    [10, 202],
    [11, 413],
  ])('of %i events, 10 allowed, is answered %i', async (count, status) => {
    const { postBatch } = gateway();
    expect((await postBatch(Array.from({ length: count }, (_, n) => interaction(`${n}`)))).statusCode).toBe(status);
  });
});

describe('keys', () => {
  it.each([
    ['no header', undefined],
    ['no key', 'Bearer '],
    ['another scheme', `Basic ${ADMIN_KEY}`],
    ['an unknown key', 'Bearer wrong-key-wrong-key'],
    ['the beginning of a key', `Bearer ${ADMIN_KEY.slice(0, -1)}`],
    ['two keys', `Bearer ${ADMIN_KEY} ${ADMIN_KEY}`],
  ])('%s: 401', async (_name, authorization) => {
    const { app, log } = gateway();
    const headers = { 'content-type': STRUCTURED, ...(authorization === undefined ? {} : { authorization }) };
    const answer = await app.inject({ method: 'POST', url: '/v1/events', headers, payload: JSON.stringify(GOOD) });
    expect(answer.statusCode).toBe(401);
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
    expect(answer.json()).toMatchObject({ code: 'unauthorized', status: 401 });
    expect(log).toEqual([]);
  });

  it.each([
    ['its own tenant', [GOOD], 202],
    ['another tenant', [FOREIGN], 403],
    ['both', [GOOD, FOREIGN], 207],
    ['another tenant and a fault', [FOREIGN, BAD], 400],
  ])('a producer’s key sends for %s', async (_name, events, status) => {
    const { log, post, postBatch } = gateway();
    const answer = await postBatch(events, PRODUCER_KEY);
    expect(answer.statusCode).toBe(status);
    expect(log.every(({ value }) => value.tenantId === 'acme')).toBe(true);
    if (status === 403) expect(answer.json()).toMatchObject({ code: 'tenant-forbidden' });
    if (events.length === 1) {
      expect((await post({ body: JSON.stringify(events[0]), key: PRODUCER_KEY })).statusCode).toBe(status);
    }
  });
});

describe('limits', () => {
  it.each([
    ['at', 0, 202],
    ['a byte over', 1, 413],
  ])('a body %s the limit', async (_name, over, status) => {
    const body = JSON.stringify(GOOD);
    const { post } = gateway({ limits: { bodyBytesMax: Buffer.byteLength(body) } });
    const answer = await post({ body: body + ' '.repeat(over) });
    expect(answer.statusCode).toBe(status);
    if (over > 0) expect(answer.json()).toMatchObject({ code: 'body-too-large' });
  });

  it.each([
    ['nested arrays', `${'['.repeat(30_000)}${']'.repeat(30_000)}`],
    ['a nested event', `{"specversion":"1.0","x":${'{"a":'.repeat(9_000)}1${'}'.repeat(9_000)}}`],
  ])('%s are refused', async (_name, body) => {
    const { post } = gateway();
    for (const contentType of [STRUCTURED, BATCHED]) {
      expect((await post({ body, contentType })).statusCode).toBe(400);
    }
  });

  it('answers 429 while too many events are in flight, and takes them later', async () => {
    const acknowledgement = Promise.withResolvers<void>();
    const { postBatch, postEvent } = gateway({
      before: () => acknowledgement.promise,
      limits: { eventsInFlightMax: 2 },
    });
    const first = postBatch([interaction('1'), interaction('2')]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const refused = await postEvent(interaction('3'));
    expect(refused.statusCode).toBe(429);
    expect(refused.headers['retry-after']).toBe('1');
    acknowledgement.resolve();
    expect((await first).statusCode).toBe(202);
    expect((await postEvent(interaction('3'))).statusCode).toBe(202);
  });

  it('answers 503 instead when the events in flight wait for a log that is away', async () => {
    const acknowledgement = Promise.withResolvers<void>();
    const limits = { eventsInFlightMax: 1, answerMsMax: 20, batchEventsMax: 1 };
    const { postEvent } = gateway({ before: () => acknowledgement.promise, limits });
    for (const id of ['1', '2']) {
      const answer = await postEvent(interaction(id));
      expect(answer.statusCode).toBe(503);
      expect(answer.headers['retry-after']).toBe('5');
    }
    acknowledgement.resolve();
  });

  it('answers 429 while too many bytes are in hand', async () => {
    const acknowledgement = Promise.withResolvers<void>();
    const { postEvent } = gateway({ before: () => acknowledgement.promise, limits: { bodyBytesInFlightMax: 300 } });
    const first = postEvent(interaction('1'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const refused = await postEvent(interaction('2'));
    expect(refused.json()).toMatchObject({ status: 429, code: 'back-pressure' });
    acknowledgement.resolve();
    expect((await first).statusCode).toBe(202);
    expect((await postEvent(interaction('2'))).statusCode).toBe(202);
  });
});

describe('requests that are none', () => {
  it.each([
    ['text/plain', '{}', 415, 'unsupported-media-type'],
    ['application/json', '{}', 400, 'not-a-cloudevent'],
    [STRUCTURED, '', 400, 'invalid-json'],
    [STRUCTURED, '{"id":1,}', 400, 'invalid-json'],
    [STRUCTURED, '[]', 400, 'not-a-cloudevent'],
    [BATCHED, '{}', 400, 'not-a-batch'],
  ])('%s with %j: %i %s', async (contentType, body, status, code) => {
    const { post } = gateway();
    const answer = await post({ body, contentType });
    expect(answer.json()).toMatchObject({ status, code });
    expect(answer.statusCode).toBe(status);
  });

  it('answers 405 to GET', async () => {
    const answer = await gateway().app.inject({ method: 'GET', url: '/v1/events' });
    expect(answer.statusCode).toBe(405);
    expect(answer.headers.allow).toBe('POST');
  });
});

it('counts every event by outcome and code', async () => {
  const { app, postBatch } = gateway();
  await postBatch([GOOD, BAD, BAD, FOREIGN], PRODUCER_KEY);
  const { body } = await app.inject('/metrics');
  expect(body).toContain('tally_gateway_events_total{outcome="accepted",code="none"} 1');
  expect(body).toContain('tally_gateway_events_total{outcome="refused",code="invalid-data"} 2');
  expect(body).toContain('tally_gateway_events_total{outcome="refused",code="tenant-forbidden"} 1');
  expect(body).toContain('tally_gateway_events_in_flight 0');
});
