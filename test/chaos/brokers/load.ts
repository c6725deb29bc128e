/**
 * A steady load, half through the gateway and half through the producer, that knows of each event whether it was
 * acknowledged and when. What was not is sent again under the same id, as senders are to do.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, TallyError } from '@tally/platform/errors';
import type { TallyProducer } from '@tally/producer';
import type { Random } from '@tally/simulator';

export interface LoadOptions {
  gateway: string;
  adminKey: string;
  producer: TallyProducer;
  tenantId: string;
  /** Events a second, both ways together, repetitions left out. */
  perSecond: number;
  random: Random;
}

export type Way = 'gateway' | 'producer';

export interface Acknowledgement {
  way: Way;
  /** Milliseconds UTC. */
  at: number;
  events: number;
}

/** One way's events in one request. */
const BATCH_EVENTS = 10;
/** Of a hundred batches, how many are sent again although they were acknowledged. */
const REPEATED_OF_100 = 5;
const RETRY_WAIT_MS = 250;
/** Requests that may wait for an answer at the same time: an outage must not end the load. */
const IN_FLIGHT_MAX = 400;
const ENTITIES = 500;

export class Load {
  readonly #options: LoadOptions;
  readonly #stopping = new AbortController();
  readonly #under = new Set<Promise<void>>();
  #running: Promise<void> = Promise.resolve();
  #next = 0;
  /** Ids of events with a 202 or a resolved call. */
  readonly acknowledged = new Set<string>();
  readonly acknowledgements: Acknowledgement[] = [];
  /** Answers of the gateway by status, and failed calls of the producer by code. */
  readonly answers = new Map<string, number>();
  /** What no sender should ever be told: a final refusal of an event that is right. */
  readonly surprises: string[] = [];

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Sends nothing new, and resolves when all that was begun is acknowledged. */
  async finish(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await Promise.all(this.#under);
  }

  get events(): number {
    return this.#next;
  }

  async #run(): Promise<void> {
    const { perSecond } = this.#options;
    const startedAt = Date.now();
    for (let batches = 0; !this.#stopping.signal.aborted; batches++) {
      const dueAt = startedAt + (batches * BATCH_EVENTS * 1000) / perSecond;
      if (dueAt > Date.now()) await sleep(dueAt - Date.now());
      while (this.#under.size >= IN_FLIGHT_MAX) await Promise.race(this.#under);
      const way: Way = batches % 2 === 0 ? 'gateway' : 'producer';
      const ids = Array.from({ length: BATCH_EVENTS }, () => `e-${this.#next++}`);
      const sending = this.#untilAcknowledged(way, ids).finally(() => this.#under.delete(sending));
      this.#under.add(sending);
    }
  }

  async #untilAcknowledged(way: Way, ids: readonly string[]): Promise<void> {
    const send = way === 'gateway' ? this.#byGateway : this.#byProducer;
    let left = ids;
    while (left.length > 0) {
      const taken = await send.call(this, left);
      if (taken.length > 0) {
        this.acknowledgements.push({ way, at: Date.now(), events: taken.length });
        for (const id of taken) this.acknowledged.add(id);
        left = left.filter((id) => !taken.includes(id));
      }
      if (left.length > 0) await sleep(RETRY_WAIT_MS);
    }
    if (this.#options.random.int(100) < REPEATED_OF_100) await send.call(this, ids);
  }

  async #byGateway(ids: readonly string[]): Promise<string[]> {
    const { gateway, adminKey } = this.#options;
    try {
      const answer = await fetch(`${gateway}/v1/events`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${adminKey}`,
          'content-type': 'application/cloudevents-batch+json',
          connection: 'close',
        },
        body: JSON.stringify(ids.map((id) => this.#cloudEvent(id))),
      });
      this.#count(String(answer.status));
      const body = (await answer.json()) as { events?: { id: string; status: string }[] };
      for (const { id, status } of body.events ?? [])
        if (status === 'refused') this.surprises.push(`${id} was refused`);
      if (answer.status === 503 && answer.headers.get('retry-after') === null) {
        this.surprises.push('a 503 without Retry-After');
      }
      const accepted = (body.events ?? []).filter(({ status }) => status === 'accepted');
      return answer.status === 202 || answer.status === 207 ? accepted.map(({ id }) => id) : [];
    } catch (error) {
      this.#count(`gateway: ${messageOf(error)}`);
      return [];
    }
  }

  async #byProducer(ids: readonly string[]): Promise<string[]> {
    const { producer, tenantId } = this.#options;
    const settled = await Promise.allSettled(
      ids.map((id) =>
        producer.email({
          ...{ tenantId, environmentId: 'prod', entityType: 'contact', entityId: entityOf(id), eventId: id },
          occurredAt: OCCURRED_AT,
        }),
      ),
    );
    return ids.filter((id, index) => {
      const result = settled[index];
      if (result?.status === 'fulfilled') return true;
      const reason: unknown = result?.reason;
      this.#count(reason instanceof TallyError ? reason.code : messageOf(reason));
      if (!(reason instanceof TallyError && reason.retriable)) this.surprises.push(`${id}: ${messageOf(reason)}`);
      return false;
    });
  }

  #cloudEvent(id: string): object {
    const { tenantId } = this.#options;
    return {
      ...{ specversion: '1.0', type: 'tally.interaction.v1', source: '/chaos', id },
      time: OCCURRED_AT.toISOString(),
      data: { tenantId, environmentId: 'prod', entityType: 'contact', entityId: entityOf(id), channel: 'email' },
    };
  }

  #count(answer: string): void {
    this.answers.set(answer, (this.answers.get(answer) ?? 0) + 1);
  }
}

const OCCURRED_AT = new Date(Date.UTC(2026, 2, 1));

function entityOf(id: string): string {
  return `c-${Number(id.slice(2)) % ENTITIES}`;
}
