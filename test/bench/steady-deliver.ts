/**
 * Ways of events into the log that say only what is true of them: through the gateway, or to the broker. Each sends
 * again what was not taken, until it is.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { TallyError } from '@tally/platform/errors';
import type { Sender } from '@tally/platform/kafka';
import { CLOUD_EVENT_TYPES, encodeRecord, type Interaction } from '@tally/schemas';
import type { EventSource } from './ingest-events.ts';

/** What became of everything that was sent. */
export interface Delivered {
  /** Acknowledged, each once. */
  accepted: number;
  /** Sent again because they were not taken. */
  resent: number;
  /** Of these, such as may be in the log all the same. */
  uncertain: number;
}

/** Resolves when the log has the events with numbers `from` to `until - 1`. */
export type Deliver = (from: number, until: number) => Promise<void>;

const REQUEST_MS_MAX = 60_000;
const RESEND_WAIT_MS = 200;
/** The gateway's word for events that never went on their way. */
const BACK_PRESSURE = 'back-pressure';

export interface GatewayAddress {
  url: string;
  key: string;
}

/** In batches over connections that are kept. */
export function throughGateway(source: EventSource, gateway: GatewayAddress, delivered: Delivered): Deliver {
  return async (from, until) => {
    const events: string[] = [];
    for (let n = from; n < until; n++) events.push(cloudEventText(source.at(n).value));
    await postUntilAccepted(gateway, events, delivered);
  };
}

/** With the sender that the producer library has. */
export function toBroker(source: EventSource, to: { sender: Sender; topic: string }, delivered: Delivered): Deliver {
  const { sender, topic } = to;
  return async (from, until) => {
    const records = [];
    for (let n = from; n < until; n++) {
      const { key, partition, value } = source.at(n);
      records.push({ topic, key, partition, value: encodeRecord({ schema: 'Interaction', value }) });
    }
    await sender.send(records);
    delivered.accepted += records.length;
  };
}

/** As the gateway takes an event in a batch. */
export function cloudEventText({ eventId, occurredAt, journeyId, provider, ...data }: Interaction): string {
  return JSON.stringify({
    specversion: '1.0',
    type: CLOUD_EVENT_TYPES.interaction,
    source: '/journeys/bench',
    id: eventId,
    time: new Date(occurredAt).toISOString(),
    data: { ...data, ...(journeyId === null ? {} : { journeyId }), ...(provider === null ? {} : { provider }) },
  });
}

/** Throws `BENCH_EVENT_REFUSED` when the gateway will not take an event however often it is sent. */
export async function postUntilAccepted(
  gateway: GatewayAddress,
  events: readonly string[],
  delivered: Delivered,
): Promise<void> {
  for (let left = events; ; await sleep(RESEND_WAIT_MS)) {
    const failed = await post(gateway, left);
    delivered.accepted += left.length - failed.length;
    if (failed.length === 0) return;
    delivered.resent += failed.length;
    delivered.uncertain += failed.filter(({ uncertain }) => uncertain).length;
    left = failed.map(({ event }) => event);
  }
}

interface Failed {
  event: string;
  uncertain: boolean;
}

interface EventAnswer {
  index: number;
  status: 'accepted' | 'refused' | 'failed';
  code?: string;
}

async function post({ url, key }: GatewayAddress, events: readonly string[]): Promise<Failed[]> {
  const answer = await fetch(`${url}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/cloudevents-batch+json' },
    body: `[${events.join(',')}]`,
    signal: AbortSignal.timeout(REQUEST_MS_MAX),
  }).catch(() => null);
  const text = await answer?.text().catch(() => null);
  if (!answer || text === null || text === undefined) return events.map((event) => ({ event, uncertain: true }));
  if (answer.status === 202) return [];
  const { events: answers } = JSON.parse(text) as { events?: EventAnswer[] };
  // Not even looked at: there was no room, or it is shutting down.
  if (!answers && (answer.status === 429 || answer.status === 503)) {
    return events.map((event) => ({ event, uncertain: false }));
  }
  if (!answers || answers.some(({ status }) => status === 'refused')) {
    throw new TallyError(`the gateway answered ${answer.status}: ${text.slice(0, 500)}`, {
      code: 'BENCH_EVENT_REFUSED',
      retriable: false,
    });
  }
  return answers.flatMap(({ index, status, code }) => {
    const event = events[index];
    return status === 'accepted' || event === undefined ? [] : [{ event, uncertain: code !== BACK_PRESSURE }];
  });
}
