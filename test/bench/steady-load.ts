/**
 * A load that keeps to the clock, not to the answers: what is due is sent, whether or not earlier requests are answered.
 * Where that cannot be done it says so, and goes on with what is due.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { stage } from './stage.ts';
import type { Deliver } from './steady-deliver.ts';
import { percentile } from './timing.ts';

export interface LoadPlan {
  /** Events a second. */
  rate: number;
  seconds: number;
  deliver: Deliver;
}

export interface LoadReport {
  rate: number;
  seconds: number;
  planned: number;
  /** Within the time; all of these are in the log in the end. */
  sent: number;
  sentPerSecond: number;
  /** The most that was due and not sent. */
  behindEventsMax: number;
  /** How long: from more than a second's events until none were late. */
  behindSeconds: number;
  /** From handing a batch over to all of it being acknowledged, sending again included. */
  batches: { count: number; eventsMax: number; p50Ms: number; p99Ms: number; maxMs: number };
}

const TICK_MS = 50;
const BATCH_EVENTS_MAX = 1_000;
/** Under way at a time: somewhat less than the gateway takes. */
const EVENTS_UNDER_WAY_MAX = 16_000;
const REQUESTS_UNDER_WAY_MAX = 64;

/** Sends for as long as planned, and resolves when all that was sent is acknowledged. */
export async function sendSteadily({ rate, seconds, deliver }: LoadPlan): Promise<LoadReport> {
  const batchEvents = Math.min(BATCH_EVENTS_MAX, Math.max(1, Math.round((rate * TICK_MS) / 1_000)));
  const behind = new Behind(rate, batchEvents);
  const requestsMax = Math.min(REQUESTS_UNDER_WAY_MAX, Math.floor(EVENTS_UNDER_WAY_MAX / batchEvents));
  const times: number[] = [];
  const under = new Set<Promise<void>>();
  let failure: unknown;
  let sent = 0;
  const send = (events: number): void => {
    const handedOver = performance.now();
    const one: Promise<void> = deliver(sent, sent + events)
      .then(() => void times.push(performance.now() - handedOver))
      .catch((error: unknown) => {
        failure ??= error;
      })
      .finally(() => under.delete(one));
    under.add(one);
    sent += events;
  };
  const sendDue = (due: number): void => {
    while (sent < due && under.size < requestsMax && failure === undefined) send(Math.min(batchEvents, due - sent));
  };
  const begun = performance.now();
  for (let elapsed = 0; elapsed < seconds * 1_000 && failure === undefined; elapsed = performance.now() - begun) {
    const due = Math.min(rate * seconds, Math.floor((elapsed / 1_000) * rate) + batchEvents);
    sendDue(due);
    behind.look(due - sent);
    await sleep(Math.max(1, TICK_MS - ((performance.now() - begun) % TICK_MS)));
  }
  // What became due since the last tick, where there is room for it.
  sendDue(rate * seconds);
  await Promise.all(under);
  if (failure !== undefined) throw failure;
  times.sort((a, b) => a - b);
  return {
    rate,
    seconds,
    planned: rate * seconds,
    sent,
    sentPerSecond: Math.round(sent / seconds),
    ...behind.report(),
    batches: {
      count: times.length,
      eventsMax: batchEvents,
      p50Ms: percentile(times, 0.5),
      p99Ms: percentile(times, 0.99),
      maxMs: times.at(-1) ?? 0,
    },
  };
}

/** How far the load is behind its clock. */
class Behind {
  readonly #rate: number;
  readonly #batchEvents: number;
  #eventsMax = 0;
  #ms = 0;
  #since: number | undefined;

  constructor(rate: number, batchEvents: number) {
    this.#rate = rate;
    this.#batchEvents = batchEvents;
  }

  look(events: number): void {
    this.#eventsMax = Math.max(this.#eventsMax, events);
    if (events > this.#rate && this.#since === undefined) {
      this.#since = performance.now();
      stage(`the load is behind its clock by ${events} events`);
    } else if (events <= this.#batchEvents && this.#since !== undefined) {
      this.#ms += performance.now() - this.#since;
      this.#since = undefined;
      stage('the load keeps to its clock again');
    }
  }

  report(): Pick<LoadReport, 'behindEventsMax' | 'behindSeconds'> {
    const open = this.#since === undefined ? 0 : performance.now() - this.#since;
    return { behindEventsMax: this.#eventsMax, behindSeconds: Math.round((this.#ms + open) / 100) / 10 };
  }
}
