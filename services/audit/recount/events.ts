/**
 * Interactions and voids, recounted: the first occurrence counts, unless a void of it came before; a void takes its event
 * back, whichever comes first. Thirty bytes an event are kept, besides its number.
 */
import { hash } from 'node:crypto';
import { type EventIdentity, type InteractionDatum, ENTITY_TYPES as TYPES, type VoidDatum } from './datum.ts';
import { dayAt } from './days.ts';
import { Numbering } from './numbering.ts';
import type { RecountedOutcome } from './outcomes.ts';
import type { Scopes } from './scopes.ts';

/** Bits of an event's state. An event counts now when it occurred and is not void. */
const OCCURRED = 1;
const VOIDED = 2;

const CAPACITY_FIRST = 1_024;
const NUL = Buffer.alloc(1);
const CONTENT_HEAD_BYTES = 14;

/** An event that counts. */
export interface LiveEvent {
  /** Number of the entity. */
  entity: number;
  day: number;
  channel: number;
}

export class EventRecount {
  readonly #scopes: Scopes;
  readonly #events = new Numbering();
  readonly #entities = new Numbering();
  /** By number of the event. */
  #state = new Uint8Array(CAPACITY_FIRST);
  #entity = new Uint32Array(CAPACITY_FIRST);
  #day = new Int32Array(CAPACITY_FIRST);
  #channel = new Uint8Array(CAPACITY_FIRST);
  #content = new BigUint64Array(CAPACITY_FIRST);
  /** By number of the entity. */
  #entityScope = new Uint32Array(CAPACITY_FIRST);
  #entityType = new Uint8Array(CAPACITY_FIRST);

  constructor(scopes: Scopes) {
    this.#scopes = scopes;
  }

  /** Entities so far; they are numbered from 0. */
  get entities(): number {
    return this.#entities.size;
  }

  scopeOf(entity: number): number {
    return this.#entityScope[entity] ?? 0;
  }

  typeOf(entity: number): (typeof TYPES)[number] {
    return TYPES[this.#entityType[entity] ?? 0] ?? 'other';
  }

  /**
   * Takes the next valid record of a partition in.
   * @param key the record's, which is the entity's
   */
  take(datum: InteractionDatum | VoidDatum, key: Buffer): RecountedOutcome {
    const event = this.#events.numberOf(Buffer.concat([key, NUL, datum.eventId]));
    if (event >= this.#state.length) this.#growEvents();
    const state = this.#state[event] ?? 0;
    if (datum.kind === 'void') {
      if (state & VOIDED) return 'duplicate';
      this.#state[event] = state | VOIDED;
      return 'void';
    }
    const content = contentOf(datum);
    if (state & OCCURRED) return this.#content[event] === content ? 'duplicate' : 'conflicting';
    this.#state[event] = state | OCCURRED;
    this.#content[event] = content;
    this.#entity[event] = this.#numberOfEntity(datum, key);
    this.#day[event] = dayAt(datum.occurredAt);
    this.#channel[event] = datum.channel;
    return state & VOIDED ? 'suppressed' : 'counted';
  }

  /** Visits every event that counts: that occurred and was not taken back. */
  forEachLive(visit: (event: LiveEvent) => void): void {
    const event = { entity: 0, day: 0, channel: 0 };
    for (let number = 0; number < this.#events.size; number++) {
      if (this.#state[number] !== OCCURRED) continue;
      event.entity = this.#entity[number] ?? 0;
      event.day = this.#day[number] ?? 0;
      event.channel = this.#channel[number] ?? 0;
      visit(event);
    }
  }

  #numberOfEntity({ tenantId, environmentId, entityType }: EventIdentity, key: Buffer): number {
    const before = this.#entities.size;
    const entity = this.#entities.numberOf(key);
    if (entity < before) return entity;
    if (entity >= this.#entityType.length) {
      this.#entityScope = grown(this.#entityScope, new Uint32Array(entity * 2));
      this.#entityType = grown(this.#entityType, new Uint8Array(entity * 2));
    }
    this.#entityScope[entity] = this.#scopes.numberOf(tenantId, environmentId);
    this.#entityType[entity] = entityType;
    return entity;
  }

  #growEvents(): void {
    const length = this.#state.length * 2;
    this.#state = grown(this.#state, new Uint8Array(length));
    this.#entity = grown(this.#entity, new Uint32Array(length));
    this.#day = grown(this.#day, new Int32Array(length));
    this.#channel = grown(this.#channel, new Uint8Array(length));
    this.#content = grown(this.#content, new BigUint64Array(length));
  }
}

/** Everything but the identity, as 64 bits: equal for a repetition, different for a conflict. */
function contentOf({ channel, direction, occurredAt, journeyId, provider }: InteractionDatum): bigint {
  const head = Buffer.allocUnsafe(CONTENT_HEAD_BYTES);
  head.writeUInt8(channel, 0);
  head.writeUInt8(direction, 1);
  head.writeDoubleLE(occurredAt, 2);
  // Lengths keep the two texts apart; -1 is none, which is not the same as an empty one.
  head.writeInt32LE(journeyId === null ? -1 : journeyId.length, 10);
  const tail = provider === null ? [] : [NUL, provider];
  return hash('sha256', Buffer.concat([head, journeyId ?? EMPTY, ...tail]), 'buffer').readBigUInt64LE(0);
}

const EMPTY = Buffer.alloc(0);

function grown<Column extends { set(from: Column): void }>(from: Column, to: Column): Column {
  to.set(from);
  return to;
}
