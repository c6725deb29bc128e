/**
 * What happens on the interactions topic, one send at a time: new events, duplicates, voids, malformed records.
 */
import type { Interaction, TallyRecord } from '@tally/schemas';
import { DAY_MS, dayOf, firstDayOf, monthOf } from './calendar.ts';
import { History } from './history.ts';
import type { Interactions } from './interactions.ts';
import { malformedOnInteractions } from './malformed.ts';
import type { Random } from './random.ts';
import { type Send, sendOf } from './sends.ts';

/** Share of all sends. */
const MALFORMED = 0.002;
const DUPLICATES = 0.05;
const VOIDS = 0.01;

/** Share of the duplicates. */
const RETIMED = 1 / 3;
const RETIMED_NEARBY = 0.3;
const REPEATED_NEARBY = 0.6;
/** Share of the duplicates with a new timestamp. */
const ACROSS_MONTH = 0.25;
const OTHER_CHANNEL = 0.05;
const RETIMED_BY_MS_MAX = 6 * 60 * 60 * 1000;
const MONTH_EDGE_MS_MAX = 60 * 60 * 1000;

/** What a void is: one of an event sent before, one ahead of its event, a repeated one, or one of an event never sent. */
const VOID_KINDS = [
  ['after', 0.55],
  ['ahead', 0.2],
  ['repeated', 0.15],
  ['never-sent', 0.1],
] as const;
/** Voided events that are sent once more, later. */
const RESENT_AFTER_VOID = 0.3;
const FOLLOWS_AFTER_SENDS_MAX = 3_000;
const VOIDED_NEARBY = 0.5;
const VOID_REASONS = ['never sent', 'bounced', 'sent twice by mistake', 'test run'];

export class Traffic {
  readonly #random: Random;
  /** Nothing happens before, milliseconds UTC. */
  readonly #start: number;
  readonly #interactions: Interactions;
  readonly #history = new History();
  /** Sends that follow an earlier one, by the number of the send they are due at. */
  readonly #due = new Map<number, TallyRecord>();
  #lastVoid: TallyRecord | undefined;
  #malformed = 0;

  constructor(options: { random: Random; interactions: Interactions; start: number }) {
    this.#random = options.random;
    this.#start = options.start;
    this.#interactions = options.interactions;
  }

  /**
   * The send with this number.
   * @param now the simulated time of sending, milliseconds UTC
   */
  next(now: number, index: number): Send {
    const due = this.#due.get(index);
    if (due) {
      this.#due.delete(index);
      return sendOf(due);
    }
    const drawn = this.#random.next();
    if (drawn < MALFORMED)
      return malformedOnInteractions(this.#malformed++, this.#interactions.next(now), this.#random);
    if (drawn < MALFORMED + DUPLICATES && !this.#history.empty) return sendOf(this.#duplicate(now));
    if (drawn > 1 - VOIDS && !this.#history.empty) return sendOf(this.#void(now, index));
    const value = this.#interactions.next(now);
    this.#history.add(value, this.#random);
    return sendOf({ schema: 'Interaction', value });
  }

  #duplicate(now: number): TallyRecord {
    const random = this.#random;
    if (!random.chance(RETIMED)) {
      return { schema: 'Interaction', value: this.#earlier(REPEATED_NEARBY) };
    }
    const original = this.#earlier(RETIMED_NEARBY);
    const occurredAt = random.chance(ACROSS_MONTH) ? this.#acrossMonth(original, now) : this.#later(original, now);
    // The first occurrence's channel counts, so one that changes must move nothing.
    const isMoved = original.direction === 'outbound' && random.chance(OTHER_CHANNEL);
    return { schema: 'Interaction', value: { ...original, occurredAt, ...(isMoved && { channel: 'voice' }) } };
  }

  #later({ occurredAt }: Interaction, now: number): number {
    const later = Math.min(now, occurredAt + 1 + this.#random.int(RETIMED_BY_MS_MAX));
    return later === occurredAt ? Math.max(this.#start, occurredAt - 1) : later;
  }

  /** In the month after the original's or, while that has not begun, in the one before, as a wrong clock would say. */
  #acrossMonth({ occurredAt }: Interaction, now: number): number {
    const month = monthOf(dayOf(occurredAt));
    const beyond = this.#random.int(MONTH_EDGE_MS_MAX);
    const next = firstDayOf(month + 1) * DAY_MS + beyond;
    return next <= now ? next : Math.max(this.#start, firstDayOf(month) * DAY_MS - 1 - beyond);
  }

  #void(now: number, index: number): TallyRecord {
    const kind = this.#random.weighted(VOID_KINDS);
    if (kind === 'repeated' && this.#lastVoid) return this.#lastVoid;
    if (kind === 'after' || kind === 'repeated') {
      const voided = this.#earlier(VOIDED_NEARBY);
      if (this.#random.chance(RESENT_AFTER_VOID)) this.#follow(index, voided);
      return this.#voidOf(voided, now);
    }
    const interaction = this.#interactions.next(now);
    if (kind === 'ahead') this.#follow(index, interaction);
    return this.#voidOf(interaction, now);
  }

  #voidOf({ eventId, tenantId, environmentId, entityType, entityId }: Interaction, now: number): TallyRecord {
    const reason = this.#random.pick(VOID_REASONS);
    const value = { eventId, tenantId, environmentId, entityType, entityId, voidedAt: now, reason };
    this.#lastVoid = { schema: 'InteractionVoided', value };
    return this.#lastVoid;
  }

  #earlier(nearby: number): Interaction {
    const history = this.#history;
    return this.#random.chance(nearby) ? history.recent(this.#random) : history.any(this.#random);
  }

  /** Has the interaction sent some time after the send of this number; not at all when the stream ends before. */
  #follow(index: number, value: Interaction): void {
    let due = index + 1 + this.#random.int(FOLLOWS_AFTER_SENDS_MAX);
    while (this.#due.has(due)) due++;
    this.#due.set(due, { schema: 'Interaction', value });
  }
}
