/**
 * What a scenario's journeys send, and what is known of it only later.
 */
import {
  type DayNumber,
  dayAt,
  daysOfMonth,
  firstDayOfMonth,
  lastDayOfMonth,
  monthOfDay,
  monthsLater,
  startOf,
} from './days.ts';
import type { Random } from './random.ts';
import type { InteractionValue, ModelRecord } from './steps.ts';

const MS_PER_DAY = 86_400_000;

const EVENTS_AT_FIRST = 140;
const EVENTS_MORE_EACH_MONTH = 10;
/** Before Christmas, far over what is owned. */
const PEAK = { month: '2024-12', events: 1_450 };
/** People that journeys reach at a time; who they are moves on, so that some drop out. */
const PEOPLE_AT_FIRST = 50;
const PEOPLE_MORE_EACH_MONTH = 3;
const PEOPLE_NEW_EACH_MONTH = 6;
/** Reached by one interaction only. */
const ONCE_EACH_MONTH = 4;
const INBOUND_SHARE = 0.25;
const SANDBOX_SHARE = 0.15;

const LATE_FOR_LAST_MONTH = 12;
const LATE_FOR_ELEVEN_MONTHS_AGO = 5;
const EARLY_FOR_NEXT_MONTH = 5;
const RESENT = 8;
const VOIDED_OF_THIS_MONTH = 4;
const VOIDED_OF_OLDER = 6;
const EVENTS_OF_SMALL = 20;

export class JourneyTraffic {
  readonly #tenantId: string;
  readonly #random: Random;
  readonly #sent: InteractionValue[] = [];
  /** By month: interactions of people who have no other. */
  readonly #once = new Map<string, InteractionValue[]>();
  #events = 0;

  constructor(tenantId: string, random: Random) {
    this.#tenantId = tenantId;
    this.#random = random;
  }

  /** A month as it is known when it ends. */
  ofMonth(month: string, index: number): ModelRecord[] {
    const count = month === PEAK.month ? PEAK.events : EVENTS_AT_FIRST + EVENTS_MORE_EACH_MONTH * index;
    const days = daysOfMonth(month);
    const campaigns = [this.#random.pick(days), this.#random.pick(days)];
    const sent = Array.from({ length: count }, () => {
      const day = this.#random.chance(0.4) ? this.#random.pick(campaigns) : this.#random.pick(days);
      return this.#interaction(this.#person(index), this.#momentOf(day));
    });
    const once = Array.from({ length: ONCE_EACH_MONTH }, (_, number) => {
      // The last one's year ends with a month, or on a leap day.
      const day = number === ONCE_EACH_MONTH - 1 ? lastDayOfMonth(month) : this.#random.pick(days);
      return this.#interaction(`once-${month}-${number}`, this.#momentOf(day), { inbound: false });
    });
    this.#once.set(month, once);
    const edges = [startOf(firstDayOfMonth(month)), startOf(lastDayOfMonth(month) + 1) - 1];
    const atEdges = edges.map((moment) => this.#interaction(this.#person(index), moment));
    const voided = sent.slice(0, VOIDED_OF_THIS_MONTH).map(voidOf);
    return [...[...sent, ...once, ...atEdges].map(asRecord), ...voided];
  }

  /** What comes until the month is stated: of earlier months, of the next one, again, and taken back. */
  late(month: string, index: number): ModelRecord[] {
    const [last, longAgo, next] = [-1, -11, 1].map((months) => daysOfMonth(monthsLater(month, months)));
    const send = (count: number, days: readonly DayNumber[] = []): InteractionValue[] =>
      Array.from({ length: count }, (_, number) =>
        // Some of them are of people who are new to that time, or to all times.
        this.#interaction(
          number === 0 ? `late-${month}` : this.#person(index),
          this.#momentOf(number === 1 ? Math.min(...days) : this.#random.pick(days), number === 1),
        ),
      );
    // 1. What may be voided was sent by then.
    const voided = [...this.#older(index), ...this.#oncePast(month)];
    const resent = Array.from({ length: RESENT }, () => this.#again(this.#random.pick(this.#sent)));
    // 2. What is new, with one that is taken back before it comes.
    const events = [
      ...send(LATE_FOR_LAST_MONTH, last),
      ...send(LATE_FOR_ELEVEN_MONTHS_AGO, longAgo),
      ...send(EARLY_FOR_NEXT_MONTH, next?.slice(0, 4)),
    ];
    const suppressed = events.slice(2, 3).map(voidOf);
    return [...suppressed, ...[...events, ...resent].map(asRecord), ...voided.map(voidOf)];
  }

  /** A small tenant's month: people and events are called as those of the large one are. */
  few(month: string, count = EVENTS_OF_SMALL): ModelRecord[] {
    const days = daysOfMonth(month);
    return Array.from({ length: count }, () =>
      asRecord(this.#interaction(`p${this.#random.int(15)}`, this.#momentOf(this.#random.pick(days)))),
    );
  }

  /** Sent in the last months, most of which are stated. */
  #older(index: number): InteractionValue[] {
    if (index === 0) return [];
    const recent = this.#sent.slice(-1_500);
    return Array.from({ length: VOIDED_OF_OLDER }, () => this.#random.pick(recent));
  }

  /** The only interaction of two people, of two months ago and of almost a year ago. */
  #oncePast(month: string): InteractionValue[] {
    const ofMonth = (months: number): InteractionValue[] => this.#once.get(monthsLater(month, months)) ?? [];
    return [...ofMonth(-2).slice(0, 1), ...ofMonth(-10).slice(1, 2)];
  }

  /** The same event at another time, often in another month: it counts no second time and moves nowhere. */
  #again(value: InteractionValue): InteractionValue {
    return { ...value, occurredAt: value.occurredAt + this.#random.int(40) * MS_PER_DAY + 1 };
  }

  #person(index: number): string {
    const reached = PEOPLE_AT_FIRST + PEOPLE_MORE_EACH_MONTH * index;
    return `p${PEOPLE_NEW_EACH_MONTH * index + Math.floor(this.#random.next() * this.#random.next() * reached)}`;
  }

  #momentOf(day: DayNumber, isFirst = false): number {
    return startOf(day) + (isFirst ? 0 : this.#random.int(MS_PER_DAY));
  }

  #interaction(
    person: string,
    occurredAt: number,
    { inbound = this.#random.chance(INBOUND_SHARE) }: { inbound?: boolean } = {},
  ): InteractionValue {
    // People stay in their environment and of their type.
    const spread = [...person].reduce((sum, character) => (sum * 31 + character.charCodeAt(0)) % 997, 7) / 997;
    const value: InteractionValue = {
      eventId: `e${this.#events++}`,
      tenantId: this.#tenantId,
      environmentId: spread < SANDBOX_SHARE ? 'sandbox' : 'prod',
      entityType: spread < 0.7 ? 'contact' : 'lead',
      entityId: person,
      channel: inbound ? 'form_submission' : this.#random.pick(['email', 'email', 'sms', 'push'] as const),
      direction: inbound ? 'inbound' : 'outbound',
      occurredAt,
      journeyId: `journey-${monthOfDay(dayAt(occurredAt))}`,
      provider: null,
    };
    this.#sent.push(value);
    return value;
  }
}

function asRecord(value: InteractionValue): ModelRecord {
  return { schema: 'Interaction', value };
}

function voidOf({ eventId, tenantId, environmentId, entityType, entityId, occurredAt }: InteractionValue): ModelRecord {
  const entity = { tenantId, environmentId, entityType, entityId };
  return { schema: 'InteractionVoided', value: { eventId, ...entity, voidedAt: occurredAt, reason: 'never sent' } };
}
