/**
 * HTTP to the gateway: the three modes of CloudEvents, and patience with a gateway that is busy or away.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, TallyError } from '@tally/platform/errors';
import type { CloudEvent } from './cloud-event.ts';
import type { Report } from './report.ts';

export interface GatewayClientOptions {
  /** Where the gateway listens, for example `http://127.0.0.1:8080`. */
  url: string;
  key: string;
  /** How long one request is tried while the gateway is busy or away, milliseconds. */
  outageMsMax: number;
  /** Wait when the gateway names none, milliseconds. */
  retryWaitMs: number;
  report: Report;
}

/** The gateway's answer to one event. */
interface EventAnswer {
  status?: string;
  code?: string;
  detail?: string;
  retriable?: boolean;
}

export interface Answer {
  status: number;
  /** One for each event that was posted, in that order; empty when the gateway did not say. */
  events: EventAnswer[];
}

/** Whether the event with this place in its request is in the log. */
export function isAccepted({ status, events }: Answer, index: number): boolean {
  return status === 202 && events.length === 0 ? true : events[index]?.status === 'accepted';
}

/** Whether the event is refused for good, and not in the log. */
export function isRefused({ status, events }: Answer, index: number): boolean {
  return status === 400 && events.length === 0 ? true : events[index]?.status === 'refused';
}

const BATCH_TYPE = 'application/cloudevents-batch+json';
const STRUCTURED_TYPE = 'application/cloudevents+json';

interface Post {
  headers: Record<string, string>;
  body: string;
}

export class GatewayClient {
  readonly #options: GatewayClientOptions;
  readonly #url: URL;

  constructor(options: GatewayClientOptions) {
    this.#options = options;
    this.#url = new URL('/v1/events', options.url);
  }

  /** Posts several events. Each call throws TallyError `GATEWAY_AWAY` or `GATEWAY_ANSWER` when there is no use in going on. */
  postBatch(events: readonly Record<string, unknown>[]): Promise<Answer> {
    return this.#post({ headers: { 'content-type': BATCH_TYPE }, body: JSON.stringify(events) });
  }

  /** Posts one event whole. */
  postStructured(event: CloudEvent): Promise<Answer> {
    return this.#post({ headers: { 'content-type': STRUCTURED_TYPE }, body: JSON.stringify(event) });
  }

  /** Posts one event with its attributes in headers. */
  postBinary({ data, datacontenttype, ...attributes }: CloudEvent): Promise<Answer> {
    const named = Object.entries(attributes).map(([name, value]) => [`ce-${name}`, headerValue(value)]);
    const headers = { ...Object.fromEntries(named), 'content-type': datacontenttype };
    return this.#post({ headers, body: JSON.stringify(data) });
  }

  /** The wait before events that failed for a while are posted again. */
  async pause(): Promise<void> {
    await sleep(this.#options.retryWaitMs);
  }

  async #post(post: Post): Promise<Answer> {
    const deadline = performance.now() + this.#options.outageMsMax;
    for (;;) {
      const { response, waitMs, why } = await this.#attempt(post);
      if (response) return await answerOf(response);
      if (performance.now() + waitMs > deadline) {
        throw new TallyError(`the gateway took nothing for ${this.#options.outageMsMax} ms: ${why}`, {
          code: 'GATEWAY_AWAY',
          retriable: true,
        });
      }
      await sleep(waitMs);
    }
  }

  /** One request; without a response it is to be made again after the wait. */
  async #attempt({ headers, body }: Post): Promise<{ response?: Response; waitMs: number; why: string }> {
    const { key, report, retryWaitMs } = this.#options;
    try {
      const init = { method: 'POST', headers: { ...headers, authorization: `Bearer ${key}` }, body };
      const response = await fetch(this.#url, init);
      if (response.status !== 429 && response.status !== 503) return { response, waitMs: 0, why: '' };
      // 429 came before anything was taken; at 503 the brokers may have what they did not acknowledge in time.
      if (response.status === 503) report.uncertainRetries++;
      await response.arrayBuffer();
      return { waitMs: retryAfterMs(response) ?? retryWaitMs, why: `HTTP ${response.status}` };
    } catch (error) {
      report.uncertainRetries++;
      const cause = error instanceof Error ? error.cause : undefined;
      return { waitMs: retryWaitMs, why: messageOf(cause ?? error) };
    }
  }
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  if (![202, 207, 400].includes(response.status)) {
    const message = `the gateway answered HTTP ${response.status}: ${text.slice(0, 500)}`;
    throw new TallyError(message, { code: 'GATEWAY_ANSWER', retriable: false });
  }
  return { status: response.status, events: eventsOf(text) };
}

function eventsOf(text: string): EventAnswer[] {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null || !('events' in parsed)) return [];
    return Array.isArray(parsed.events) ? (parsed.events as EventAnswer[]) : [];
  } catch {
    return [];
  }
}

function retryAfterMs(response: Response): number | undefined {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

/** CloudEvents' HTTP binding: a header holds printable ASCII; blanks, quotes, percent and the rest are percent-encoded. */
function headerValue(value: string): string {
  return value.replace(/[^\x21\x23\x24\x26-\x7e]+/gu, (part) => encodeURIComponent(part));
}
