/**
 * Step 1 for nearly every record: a valid interaction is found where it stands in the record's bytes, and hashed, without
 * an object or a text made of it. What is not surely valid here is left to the decoder that says what is wrong (decode.ts):
 * there is one opinion on what is valid, and a test holds the two against each other.
 */
import { isUtf8 } from 'node:buffer';
import { type IncomingRecord, murmur2, partitionOf } from '@tally/platform/kafka';
import {
  CHANNELS,
  DIRECTIONS,
  ENTITY_TYPES,
  FUTURE_MS_MAX,
  headerOf,
  ID_BYTES_MAX,
  OCCURRED_AT_MIN,
  SCOPE_ID_BYTES_MAX,
} from '@tally/schemas';
import { Blake3, HASH_BYTES } from './blake3.ts';
import type { Place } from './decode.ts';
import { CONTENT_SEEDS } from './hash.ts';

const HEADER = headerOf('Interaction', 1);
/** A longer provider is no fault, but nothing to be fast about. */
const PROVIDER_BYTES_MAX = 128;
const SLASH = 0x2f;
const TWO_TO_32 = 2 ** 32;

/** What a byte may be part of. */
const IN_SCOPE_ID = 1;
const IN_ASCII_ID = 2;
const CLASSES = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (/[A-Za-z0-9_.:-]/.test(String.fromCharCode(byte))) return IN_SCOPE_ID | IN_ASCII_ID;
  return byte >= 0x20 && byte < 0x7f ? IN_ASCII_ID : 0;
});
const TYPE_NAMES = ENTITY_TYPES.map((name) => Uint8Array.from(Buffer.from(name)));

/** Reads one record at a time; what it found is good until the next one is read. */
export class InteractionReader {
  /** The record's value; the numbers below are places in it. */
  source: Uint8Array = HEADER;
  eventId = 0;
  eventIdEnd = 0;
  tenantId = 0;
  tenantIdEnd = 0;
  environmentId = 0;
  environmentIdEnd = 0;
  entityId = 0;
  entityIdEnd = 0;
  /** Empty where there is none, as are `provider`'s. */
  journeyId = 0;
  journeyIdEnd = 0;
  provider = 0;
  providerEnd = 0;
  /** Their numbers in the schema, which are the tables' too. */
  entityType = 0;
  channel = 0;
  direction = 0;
  /** Milliseconds since 1970-01-01 UTC. */
  occurredAt = 0;
  readonly entityKey = new Uint8Array(HASH_BYTES);
  readonly eventKey = new Uint8Array(HASH_BYTES);
  /** The low half of the content's hash, and the high one. */
  contentLow = 0;
  contentHigh = 0;

  readonly #blake3 = new Blake3();
  #at = 0;
  #hasJourney = false;
  #hasProvider = false;

  /** Whether the record is a valid interaction that belongs where it is; false does not say that it is none. */
  read({ value, key, timestamp }: Pick<IncomingRecord, 'value' | 'key' | 'timestamp'>, place: Place): boolean {
    if (value === null || key === null || !startsWith(value, HEADER)) return false;
    this.source = value;
    if (!this.#findFields()) return false;
    if (this.occurredAt < OCCURRED_AT_MIN || this.occurredAt > Number(timestamp) + FUTURE_MS_MAX) return false;
    if (!this.#idsAreValid()) return false;
    if (!this.#hashIdentity(key) || partitionOf(key, place.partitions) !== place.partition) return false;
    this.#hashContent();
    return true;
  }

  /** The datum's fields in the schema's order. */
  #findFields(): boolean {
    this.#at = HEADER.length;
    let length = this.#length(ID_BYTES_MAX);
    if (length <= 0) return false;
    this.eventId = this.#at;
    this.eventIdEnd = this.#at += length;
    length = this.#length(SCOPE_ID_BYTES_MAX);
    if (length <= 0) return false;
    this.tenantId = this.#at;
    this.tenantIdEnd = this.#at += length;
    length = this.#length(SCOPE_ID_BYTES_MAX);
    if (length <= 0) return false;
    this.environmentId = this.#at;
    this.environmentIdEnd = this.#at += length;
    this.entityType = this.#choice(ENTITY_TYPES.length);
    length = this.#length(ID_BYTES_MAX);
    if (length <= 0) return false;
    this.entityId = this.#at;
    this.entityIdEnd = this.#at += length;
    this.channel = this.#choice(CHANNELS.length);
    this.direction = this.#choice(DIRECTIONS.length);
    this.occurredAt = this.#long();
    const journey = this.#choice(2);
    length = journey === 1 ? this.#length(ID_BYTES_MAX) : 0;
    if (length < journey) return false;
    this.#hasJourney = journey === 1;
    this.journeyId = this.#at;
    this.journeyIdEnd = this.#at += length;
    const provider = this.#choice(2);
    length = provider === 1 ? this.#length(PROVIDER_BYTES_MAX) : 0;
    if (length < 0) return false;
    this.#hasProvider = provider === 1;
    this.provider = this.#at;
    this.providerEnd = this.#at += length;
    const chosen = this.entityType | this.channel | this.direction | journey | provider;
    return chosen >= 0 && this.#at === this.source.length;
  }

  /** A length of one or two bytes; -1 for any other, or for more than there may be. */
  #length(max: number): number {
    const low = this.source[this.#at++] ?? 1;
    let zigzag = low;
    if (low >= 0x80) {
      const high = this.source[this.#at++] ?? 0xff;
      if (high >= 0x80) return -1;
      zigzag = (low & 0x7f) | (high << 7);
    }
    return (zigzag & 1) === 0 && zigzag >>> 1 <= max ? zigzag >>> 1 : -1;
  }

  /** One of a few, which take one byte; -1 for any other. */
  #choice(choices: number): number {
    const zigzag = this.source[this.#at++] ?? 1;
    return (zigzag & 1) === 0 && zigzag >>> 1 < choices ? zigzag >>> 1 : -1;
  }

  /** A time; -1, which no event has, for what is none. */
  #long(): number {
    let value = 0;
    let scale = 1;
    for (let bytes = 0; bytes < 7; bytes++) {
      const byte = this.source[this.#at++] ?? 0xff;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -1;
      scale *= 128;
    }
    return -1;
  }

  #idsAreValid(): boolean {
    return (
      this.#isScopeId(this.tenantId, this.tenantIdEnd) &&
      this.#isScopeId(this.environmentId, this.environmentIdEnd) &&
      this.#isId(this.eventId, this.eventIdEnd) &&
      this.#isId(this.entityId, this.entityIdEnd) &&
      this.#isId(this.journeyId, this.journeyIdEnd) &&
      (this.provider === this.providerEnd || this.#isText(this.provider, this.providerEnd))
    );
  }

  #isScopeId(from: number, to: number): boolean {
    for (let at = from; at < to; at++) {
      if (((CLASSES[this.source[at] ?? 0] ?? 0) & IN_SCOPE_ID) === 0) return false;
    }
    return true;
  }

  #isId(from: number, to: number): boolean {
    for (let at = from; at < to; at++) {
      const byte = this.source[at] ?? 0;
      if (((CLASSES[byte] ?? 0) & IN_ASCII_ID) !== 0) continue;
      if (byte < 0x80) return false;
      return this.#isText(from, to) && !this.#hasControls(from, to);
    }
    return true;
  }

  #isText(from: number, to: number): boolean {
    return isUtf8(this.source.subarray(from, to));
  }

  /** In valid UTF-8: U+0000 to U+001F and U+007F are themselves, U+0080 to U+009F begin with C2. */
  #hasControls(from: number, to: number): boolean {
    for (let at = from; at < to; at++) {
      const byte = this.source[at] ?? 0;
      if (byte < 0x20 || byte === 0x7f) return true;
      if (byte === 0xc2 && (this.source[at + 1] ?? 0) < 0xa0) return true;
    }
    return false;
  }

  /** The entity's key and the event's (hash.ts); false when the record's own key is not the entity's. */
  #hashIdentity(key: Uint8Array): boolean {
    const { input } = this.#blake3;
    const type = TYPE_NAMES[this.entityType] ?? HEADER;
    let at = this.#take(this.source, this.tenantId, this.tenantIdEnd, 0);
    input[at++] = 0;
    at = this.#take(this.source, this.environmentId, this.environmentIdEnd, at);
    input[at++] = 0;
    at = this.#take(type, 0, type.length, at);
    input[at++] = 0;
    at = this.#take(this.source, this.entityId, this.entityIdEnd, at);
    // The record's key has slashes where the hash has zeros, which no id has.
    if (key.length !== at) return false;
    for (let place = 0; place < at; place++) {
      if (key[place] !== (input[place] === 0 ? SLASH : input[place])) return false;
    }
    copyKey(this.#blake3.hash(at), this.entityKey);
    at = this.#take(this.entityKey, 0, HASH_BYTES, 0);
    at = this.#take(this.source, this.eventId, this.eventIdEnd, at);
    copyKey(this.#blake3.hash(at), this.eventKey);
    return true;
  }

  #hashContent(): void {
    const { input } = this.#blake3;
    const { source, occurredAt } = this;
    input[0] = this.channel;
    input[1] = this.direction;
    const low = occurredAt >>> 0;
    const high = Math.floor(occurredAt / TWO_TO_32);
    for (let byte = 0; byte < 4; byte++) {
      input[2 + byte] = low >>> (8 * byte);
      input[6 + byte] = high >>> (8 * byte);
    }
    input[10] = this.#hasJourney ? this.journeyIdEnd - this.journeyId + 1 : 0;
    let at = this.#take(source, this.journeyId, this.journeyIdEnd, 11);
    input[at++] = this.#hasProvider ? 1 : 0;
    at = this.#take(source, this.provider, this.providerEnd, at);
    this.contentLow = murmur2(input, at, CONTENT_SEEDS[0]);
    this.contentHigh = murmur2(input, at, CONTENT_SEEDS[1]);
  }

  /** Puts bytes into the hash's input; returns where the next may go. */
  #take(from: Uint8Array, first: number, end: number, to: number): number {
    const { input } = this.#blake3;
    let at = to;
    for (let next = first; next < end; next++) input[at++] = from[next] ?? 0;
    return at;
  }
}

function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  for (let at = 0; at < start.length; at++) if (bytes[at] !== start[at]) return false;
  return true;
}

function copyKey(from: Uint8Array, to: Uint8Array): void {
  for (let at = 0; at < HASH_BYTES; at++) to[at] = from[at] ?? 0;
}
