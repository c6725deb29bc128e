/**
 * The three records as they stand in a message, decoded by hand from the contract: Avro single-object encoding, `C3 01`,
 * the 8 bytes of the schema's fingerprint, the datum. Text stays bytes: it is only ever compared and hashed.
 */

import { type AddedType, laterVersion } from './later-version.ts';

/** What names an event: everything of it but its content. */
export interface EventIdentity {
  eventId: Buffer;
  tenantId: Buffer;
  environmentId: Buffer;
  /** An index into `ENTITY_TYPES`. */
  entityType: number;
  entityId: Buffer;
}

export interface InteractionDatum extends EventIdentity {
  kind: 'interaction';
  /** An index into `CHANNELS`. */
  channel: number;
  direction: number;
  /** Milliseconds since 1970-01-01 UTC. */
  occurredAt: number;
  journeyId: Buffer | null;
  provider: Buffer | null;
}

export interface VoidDatum extends EventIdentity {
  kind: 'void';
  reason: Buffer;
}

export interface ProfileDatum {
  kind: 'profile';
  tenantId: Buffer;
  environmentId: Buffer;
  source: Buffer;
  recordId: Buffer;
  deleted: boolean;
  identifiers: { kind: Buffer; value: Buffer }[];
}

export type Datum = InteractionDatum | VoidDatum | ProfileDatum;

export const ENTITY_TYPES = ['contact', 'lead', 'profile', 'custom', 'other'] as const;
export const CHANNELS = ['email', 'sms', 'push', 'voice', 'form_submission', 'custom'] as const;
const DIRECTIONS = 2;
const OPERATIONS = 2;

const HEADER_BYTES = 10;

const MARKER = 'c301';

/** How the records of a schema are read: what is known of them, and the optional fields that a later version added. */
interface Layout {
  decode: (from: DatumReader) => Datum;
  added: readonly AddedType[];
}

const LAYOUTS: ReadonlyMap<string, Layout> = new Map([
  ['fb214faf0a2040bd', { decode: readInteraction, added: [] }],
  ['591094c1d20acb8c', { decode: readVoid, added: [] }],
  ['ade60e5a96bba616', { decode: readProfile, added: [] }],
]);

/** By the schema's fingerprint. */
export type Layouts = Map<string, Layout>;

/** Takes in what was announced in the topic of schemas: a fingerprint and a schema in canonical form. */
export function learn(layouts: Layouts, key: Buffer | null, value: Buffer | null): void {
  const later = value && laterVersion(value, LAYOUTS.keys());
  const base = later && LAYOUTS.get(later.of);
  if (base && later.fingerprint === key?.toString()) layouts.set(later.fingerprint, { ...base, added: later.added });
}

/** The record in a message's value, or undefined when it is none. */
export function readDatum(value: Buffer | null, later?: Layouts): Datum | undefined {
  if (value === null || value.length < HEADER_BYTES || value.toString('hex', 0, 2) !== MARKER) return undefined;
  const fingerprint = value.toString('hex', 2, HEADER_BYTES);
  const layout = LAYOUTS.get(fingerprint) ?? later?.get(fingerprint);
  if (!layout) return undefined;
  const from = new DatumReader(value, HEADER_BYTES);
  try {
    const datum = layout.decode(from);
    for (const type of layout.added) from.skipOptional(type);
    return from.left === 0 ? datum : undefined;
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

function readInteraction(from: DatumReader): InteractionDatum {
  return {
    kind: 'interaction',
    ...readIdentity(from),
    channel: from.symbol(CHANNELS.length),
    direction: from.symbol(DIRECTIONS),
    occurredAt: from.moment(),
    journeyId: from.optionalText(),
    provider: from.optionalText(),
  };
}

function readVoid(from: DatumReader): VoidDatum {
  const identity = readIdentity(from);
  from.moment(); // voidedAt
  return { kind: 'void', ...identity, reason: from.text() };
}

function readIdentity(from: DatumReader): EventIdentity {
  return {
    eventId: from.text(),
    tenantId: from.text(),
    environmentId: from.text(),
    entityType: from.symbol(ENTITY_TYPES.length),
    entityId: from.text(),
  };
}

function readProfile(from: DatumReader): ProfileDatum {
  const datum: ProfileDatum = {
    kind: 'profile',
    tenantId: from.text(),
    environmentId: from.text(),
    source: from.text(),
    recordId: from.text(),
    deleted: from.symbol(OPERATIONS) === 1,
    identifiers: [],
  };
  // An array comes in blocks; one with a negative count has its length in bytes in front, and an empty one is the end.
  for (let count = from.whole(); count !== 0; count = from.whole()) {
    if (count < 0) {
      count = -count;
      from.whole();
    }
    for (let item = 0; item < count; item++) datum.identifiers.push({ kind: from.text(), value: from.text() });
  }
  from.moment(); // changedAt
  return datum;
}

class Malformed extends Error {}

/** Moments beyond this, either way, are none that a clock shows; 2^53 - 2 milliseconds. */
const MOMENT_MS_MAX = Number.MAX_SAFE_INTEGER - 1;

/** Of an added field; those of the other types say themselves how long they are. */
const FIXED_BYTES: ReadonlyMap<AddedType, number> = new Map([
  ['boolean', 1],
  ['float', 4],
  ['double', 8],
]);

class DatumReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** Seven bits a byte, the lowest first; even numbers stand for 0, 1, 2 …, odd ones for -1, -2, -3 … */
  whole(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new Malformed();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
  }

  moment(): number {
    const value = this.whole();
    if (!(Math.abs(value) <= MOMENT_MS_MAX)) throw new Malformed();
    return value;
  }

  /** An index below `symbols`. */
  symbol(symbols: number): number {
    const index = this.whole();
    if (!(index >= 0 && index < symbols)) throw new Malformed();
    return index;
  }

  text(): Buffer {
    const length = this.whole();
    if (!(length >= 0 && length <= this.left)) throw new Malformed();
    const from = this.#at;
    this.#at += length;
    return this.#bytes.subarray(from, this.#at);
  }

  optionalText(): Buffer | null {
    return this.symbol(2) === 0 ? null : this.text();
  }

  /** Throws unless there is one. What it says is nothing that counts, so nothing is asked of it but that it ends. */
  skipOptional(type: AddedType): void {
    if (this.symbol(2) === 0) return;
    const bytes = FIXED_BYTES.get(type);
    if (bytes !== undefined) this.#skip(bytes);
    else if (type === 'string' || type === 'bytes') this.text();
    else this.whole();
  }

  #skip(bytes: number): void {
    if (this.left < bytes) throw new Malformed();
    this.#at += bytes;
  }
}
