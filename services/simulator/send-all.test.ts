import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ProducerError } from '@tally/producer';
import { cloudEventSchema, defaultDirection, faultOf, recordOfCloudEvent, type TallyRecord } from '@tally/schemas';
import { afterEach, expect, test } from 'vitest';
import type { ProducerCalls } from './client-lane.ts';
import { generateSends } from './generate.ts';
import { type SendAllOptions, type SendAllResult, sendAll } from './send-all.ts';
import type { RawRecord } from './sends.ts';
import { Truth } from './truth.ts';

const until = new Date('2026-06-17T15:30:00Z');
const seed = Math.floor(Math.random() * 2 ** 31);
const EVENTS = 6_000;

/** What arrived, in the order in which it did; a truth of its own is worked out from it. */
class Log {
  readonly truth = new Truth();
  readonly modes = new Set<string>();

  append(record: TallyRecord): void {
    this.truth.add({ kind: 'record', lane: 'client', record });
  }
}

/** Says for the request or call of this number how it fails, if it does. */
type Trouble = (number: number) => 'busy' | 'away' | 'broken' | 'partly' | undefined;

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** The gateway's side of the contract over a list instead of Kafka. */
async function contractGateway(log: Log, trouble: Trouble): Promise<string> {
  let number = 0;
  server = createServer(async (request, response) => {
    const events = await eventsOf(request, log);
    const kind = trouble(number++);
    if (kind === 'busy' || kind === 'away') {
      response.writeHead(kind === 'busy' ? 429 : 503, { 'retry-after': '0' }).end();
      return;
    }
    const answers = events.map((event, index) => answerTo(event, index, kind === 'partly' && index % 3 === 0, log));
    // The connection breaks after the log has taken the events: the sender cannot know.
    if (kind === 'broken') request.socket.destroy();
    const accepted = answers.filter(({ status }) => status === 'accepted').length;
    const status = accepted === answers.length ? 202 : accepted > 0 || kind === 'partly' ? 207 : 400;
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ accepted, refused: answers.length - accepted, events: answers }));
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function eventsOf(request: IncomingMessage, log: Log): Promise<unknown[]> {
  expect(request.headers.authorization).toBe('Bearer secret');
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  const body: unknown = JSON.parse(text);
  const type = request.headers['content-type'];
  log.modes.add(String(type));
  if (type !== 'application/json') return Array.isArray(body) ? body : [body];
  const attribute = (name: string) => decodeURIComponent(String(request.headers[`ce-${name}`]));
  const names = ['specversion', 'id', 'source', 'type', 'time'];
  return [{ ...Object.fromEntries(names.map((name) => [name, attribute(name)])), data: body }];
}

function answerTo(event: unknown, index: number, fails: boolean, log: Log): { index: number; status: string } {
  const parsed = cloudEventSchema.safeParse(event);
  const record = parsed.success ? recordOfCloudEvent(parsed.data) : undefined;
  if (!record || faultOf(record, until.getTime())) return { index, status: 'refused' };
  if (fails) return { index, status: 'failed', ...{ retriable: true } };
  log.append(record);
  return { index, status: 'accepted' };
}

/** The client's side: some calls fail after the log has the record, some before. */
function contractProducer(log: Log, trouble: Trouble): ProducerCalls {
  let number = 0;
  const take = async (record: TallyRecord): Promise<void> => {
    const kind = trouble(number++);
    if (kind !== 'away') log.append(record);
    await new Promise((resolve) => setTimeout(resolve, number % 3));
    if (kind === undefined) return;
    throw new ProducerError('not acknowledged', { code: 'NOT_ACKNOWLEDGED', retriable: true });
  };
  const by = (channel: Parameters<typeof defaultDirection>[0]) => (input: Parameters<ProducerCalls['custom']>[0]) => {
    const { occurredAt, direction = defaultDirection(channel), journeyId = null, provider = null, ...rest } = input;
    const value = { ...rest, channel, direction, occurredAt: Number(occurredAt), journeyId, provider };
    return take({ schema: 'Interaction', value });
  };
  return {
    email: by('email'),
    sms: by('sms'),
    push: by('push'),
    voice: by('voice'),
    formSubmission: by('form_submission'),
    custom: by('custom'),
    void: ({ voidedAt, ...rest }) =>
      take({ schema: 'InteractionVoided', value: { ...rest, voidedAt: Number(voidedAt) } }),
    profile: ({ operation = 'upsert', identifiers = [], changedAt, ...rest }) =>
      take({ schema: 'ProfileRecord', value: { ...rest, operation, identifiers, changedAt: Number(changedAt) } }),
  };
}

interface Run {
  log: Log;
  raw: RawRecord[];
  truth: Truth;
  result: SendAllResult;
}

async function run(trouble: Trouble, more: Partial<SendAllOptions> = {}): Promise<Run> {
  const log = new Log();
  const raw: RawRecord[] = [];
  const truth = new Truth();
  const result = await sendAll({
    sends: generateSends({ seed, events: EVENTS, until }),
    producer: contractProducer(log, trouble),
    gatewayUrl: await contractGateway(log, trouble),
    gatewayKey: 'secret',
    sendRaw: async (records) => {
      raw.push(...records);
    },
    truth,
    gatewayBatchSize: 50,
    clientInFlightMax: 200,
    retryWaitMs: 1,
    ...more,
  });
  return { log, raw, truth, result };
}

function expectSameFigures(arrived: Truth, truth: Truth): void {
  expect(arrived.interactions()).toEqual(truth.interactions());
  expect(arrived.engaged('2026-06-17')).toEqual(truth.engaged('2026-06-17'));
  expect(arrived.unified()).toEqual(truth.unified());
}

test(`everything arrives in the order that the truth was told (seed ${seed})`, async () => {
  const progress: number[] = [];
  const { log, raw, truth, result } = await run(() => undefined, { onProgress: (sent) => progress.push(sent) });
  expect(result.surprises).toEqual([]);
  expectSameFigures(log.truth, truth);
  expect(log.truth.outcomes()).toEqual({ ...truth.outcomes(), deadLetter: 0 });
  expect(raw.length).toBe(result.raw);
  expect(result.refused).toBe(truth.refused());
  expect(result.client + result.gateway + result.raw + result.refused).toBe(result.sent);
  expect(result.uncertainRetries).toBe(0);
  expect(progress.at(-1)).toBe(result.sent);
  expect([...log.modes].sort()).toEqual([
    'application/cloudevents+json',
    'application/cloudevents-batch+json',
    'application/json',
  ]);
});

test(`trouble of every kind moves no figure (seed ${seed})`, async () => {
  const kinds = ['busy', 'away', 'broken', 'partly'] as const;
  const { log, truth, result } = await run((number) =>
    number % 5 === 4 ? kinds[Math.floor(number / 5) % 4] : undefined,
  );
  expect(result.surprises).toEqual([]);
  expect(result.uncertainRetries).toBeGreaterThan(0);
  expect(result.client + result.gateway + result.raw + result.refused).toBe(result.sent);
  expectSameFigures(log.truth, truth);
});

test('answers that must not be are reported', async () => {
  const event = { specversion: '1.0', id: 'e1' };
  const refused = { kind: 'refused', lane: 'gateway', refused: { rule: 'none', cloudEvent: event } } as const;
  server = createServer((request, response) => {
    request.resume();
    response
      .writeHead(202)
      .end(JSON.stringify({ accepted: 1, refused: 0, events: [{ index: 0, status: 'accepted' }] }));
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const gatewayUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { result } = await run(() => undefined, { sends: [refused], gatewayUrl });
  expect(result.surprises).toEqual(['the gateway accepted an event that breaks a rule (none)']);
});

test('a gateway that stays away ends the run with a retriable error', async () => {
  const gatewayUrl = 'http://127.0.0.1:1';
  await expect(run(() => undefined, { gatewayUrl, outageMsMax: 50 })).rejects.toMatchObject({
    code: 'GATEWAY_AWAY',
    retriable: true,
  });
});
