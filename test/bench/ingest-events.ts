/**
 * The events that ingestion is measured with: number n is worked out from n alone. Every fiftieth repeats an earlier one,
 * as it was. Event ids are UUIDs, entity ids 16 hexadecimal digits; key and value are some
 * 165 bytes.
 */
import { partitionOf } from '@tally/platform/kafka';
import { CHANNELS, defaultDirection, ENTITY_TYPES, entityKey, type Interaction } from '@tally/schemas';

export interface EventPlan {
  events: number;
  partitions: number;
  /** Milliseconds UTC: the span ends here. */
  until: number;
  /** Over which the events are spread, milliseconds. Default 425 days, 14 months. */
  spanMs?: number;
  /** Default a tenth as many as events. */
  entities?: number;
  /** `ordered`: the log's order is that of time, but for 3 %, up to 20 days late; `scattered`: any event, any time. */
  times: 'ordered' | 'scattered';
}

/** An event and where it goes. */
export interface PlacedEvent {
  value: Interaction;
  key: Buffer;
  partition: number;
  /** An earlier event of the same identity is in the log. */
  repeated: boolean;
}

interface Entity {
  tenantId: string;
  environmentId: string;
  entityType: Interaction['entityType'];
  entityId: string;
  key: Buffer;
  partition: number;
}

const REPEATED_EVERY = 50;
const REPEATED_BACK_MAX = 1_000_000;
const EVENTS_PER_ENTITY = 10;
const TENANTS = 200;
const DAY_MS = 86_400_000;
const SPAN_MS = 425 * DAY_MS;
const LATE_PERCENT = 3;
const LATE_MS_MAX = 20 * DAY_MS;
const JITTER_MS = 60_000;
const JOURNEYS = 24;
const PROVIDERS = [null, 'northwind-mail', 'tailspin-text', null] as const;

/** Any event of a plan, in any order. Holds the entities. */
export class EventSource {
  readonly plan: EventPlan;
  readonly #entities: Entity[];

  constructor(plan: EventPlan) {
    this.plan = plan;
    const count = plan.entities ?? Math.max(1_000, Math.floor(plan.events / EVENTS_PER_ENTITY));
    this.#entities = Array.from({ length: count }, (_, number) => entityAt(number, plan.partitions));
  }

  at(n: number): PlacedEvent {
    const source = sourceOf(n);
    const entity = this.#entities[hash32(source, 1) % this.#entities.length];
    if (!entity) throw new RangeError('no entity');
    const { key, partition, ...identity } = entity;
    const channel = CHANNELS[hash32(source, 2) % CHANNELS.length] ?? 'email';
    const draw = hash32(source, 3);
    const value = {
      eventId: uuid(source, 4),
      ...identity,
      channel,
      direction: defaultDirection(channel),
      occurredAt: this.#timeOf(source),
      journeyId: draw % 10 === 0 ? null : `journey-spring-${draw % JOURNEYS}`,
      provider: PROVIDERS[(draw >>> 8) % PROVIDERS.length] ?? null,
    };
    return { value, key, partition, repeated: source !== n };
  }

  /** How many different events the first `n` are. */
  distinctBelow(n: number): number {
    return n - Math.floor(n / REPEATED_EVERY);
  }

  #timeOf(source: number): number {
    const { events, until, times, spanMs = SPAN_MS } = this.plan;
    const from = until - spanMs;
    const draw = hash32(source, 8);
    if (times === 'scattered') return from + Math.floor((draw / 2 ** 32) * spanMs);
    const late = draw % 100 < LATE_PERCENT ? hash32(source, 9) % LATE_MS_MAX : 0;
    return from + Math.floor((source / events) * spanMs) - (draw % JITTER_MS) - late;
  }
}

/** The event whose identity and content an event has: itself, or an earlier one. */
function sourceOf(n: number): number {
  if (n % REPEATED_EVERY !== REPEATED_EVERY - 1) return n;
  const earlier = n - 1 - (hash32(n, 5) % Math.min(n, REPEATED_BACK_MAX));
  return earlier % REPEATED_EVERY === REPEATED_EVERY - 1 ? earlier - 1 : earlier;
}

/** Tenants of very different sizes: a third of the entities are of the first few. */
function entityAt(number: number, partitions: number): Entity {
  const tenant = Math.floor((hash32(number, 10) / 2 ** 32) ** 3 * TENANTS);
  const identity = {
    tenantId: `tenant-${String(tenant + 1).padStart(4, '0')}`,
    environmentId: hash32(number, 11) % 5 === 0 ? 'sandbox' : 'production',
    entityType: ENTITY_TYPES[Math.floor((hash32(number, 12) / 2 ** 32) ** 3 * ENTITY_TYPES.length)] ?? 'contact',
    entityId: uuid(number, 13).replaceAll('-', '').slice(0, 16),
  };
  const key = Buffer.from(entityKey(identity));
  return { ...identity, key, partition: partitionOf(key, partitions) };
}

function uuid(number: number, salt: number): string {
  const [a, b, c, d] = [0, 1, 2, 3].map((part) =>
    hash32(number, salt * 64 + part)
      .toString(16)
      .padStart(8, '0'),
  );
  return `${a}-${b?.slice(0, 4)}-4${b?.slice(5)}-8${c?.slice(0, 3)}-${c?.slice(3, 7)}${d}`;
}

/** Well spread, and for one salt no two numbers below 2^32 have the same. */
function hash32(number: number, salt: number): number {
  let hash = (number ^ Math.imul(salt, 0x9e3779b1)) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
