/**
 * New interactions: who, by which channel, when.
 */
import { type Channel, defaultDirection, ID_BYTES_MAX, type Interaction } from '@tally/schemas';
import { DAY_MS } from './calendar.ts';
import type { Population } from './population.ts';
import type { Random } from './random.ts';

/** The time the stream covers, milliseconds UTC, both ends inclusive. */
export interface Span {
  start: number;
  until: number;
}

const CHANNEL_WEIGHTS: readonly (readonly [Channel, number])[] = [
  ['email', 62],
  ['sms', 14],
  ['push', 11],
  ['form_submission', 6],
  ['custom', 5],
  ['voice', 2],
];

const PROVIDERS: Record<Channel, readonly string[]> = {
  email: ['sendgrid', 'ses', 'exchange'],
  sms: ['twilio', 'infobip', 'telesign'],
  push: ['fcm', 'apns'],
  voice: ['twilio'],
  form_submission: ['web'],
  custom: ['whatsapp', 'post', 'line'],
};

const JOURNEYS = ['welcome', 'cart-reminder', 'win-back', 'birthday', 'renewal', 'newsletter', 'event-invitation'];

const CUSTOM_INBOUND = 0.3;
const WITH_JOURNEY = 0.8;
const WITH_PROVIDER = 0.6;
/** Sent long after it happened. */
const LATE = 0.03;
const LATE_DAYS_MAX = 150;
const ORDINARY_DELAY_MS_MAX = 90_000;
/** The same event id on another entity is another event. */
const SHARED_ID = 0.02;
/** Every so many events one has the longest id there may be. */
const LONGEST_ID_EVERY = 101;

export class Interactions {
  readonly #random: Random;
  readonly #population: Population;
  readonly #span: Span;
  #number = 0;
  /** The latest new id, until it is shared: twice would make it a duplicate by accident. */
  #shareable: { eventId: string; entityId: string } | undefined;

  constructor(options: { random: Random; population: Population; span: Span }) {
    this.#random = options.random;
    this.#population = options.population;
    this.#span = options.span;
  }

  /** An interaction that was never sent before, as sent at `now` (milliseconds UTC). */
  next(now: number): Interaction {
    const random = this.#random;
    const { start, until } = this.#span;
    const entity = this.#population.entity(random, (now - start) / Math.max(1, until - start));
    const channel = random.weighted(CHANNEL_WEIGHTS);
    return {
      eventId: this.#eventId(channel, entity.entityId),
      ...entity,
      channel,
      direction: channel === 'custom' && random.chance(CUSTOM_INBOUND) ? 'inbound' : defaultDirection(channel),
      occurredAt: now - this.#delayMs(now - start),
      journeyId: random.chance(WITH_JOURNEY) ? `${random.pick(JOURNEYS)}-${random.int(9) + 1}` : null,
      provider: random.chance(WITH_PROVIDER) ? random.pick(PROVIDERS[channel]) : null,
    };
  }

  /** How long ago it happened, at most the time since the stream's start. */
  #delayMs(sinceStart: number): number {
    const longest = this.#random.chance(LATE) ? LATE_DAYS_MAX * DAY_MS : ORDINARY_DELAY_MS_MAX;
    return Math.floor(this.#random.next() * Math.min(longest, sinceStart));
  }

  #eventId(channel: Channel, entityId: string): string {
    const previous = this.#shareable;
    if (previous && previous.entityId !== entityId && this.#random.chance(SHARED_ID)) {
      this.#shareable = undefined;
      return previous.eventId;
    }
    this.#number++;
    const number = this.#number.toString(36);
    const isLongest = this.#number % LONGEST_ID_EVERY === 0;
    const eventId = `${channel}-${isLongest ? number.padStart(ID_BYTES_MAX - channel.length - 1, '0') : number}`;
    this.#shareable = { eventId, entityId };
    return eventId;
  }
}
