/**
 * Avro single-object encoding: `C3 01`, the writer schema's fingerprint, the datum. Every version ever shipped stays in
 * `VERSIONS`, so what was once written can always be read.
 */
import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import avro from 'avsc';
import type { Fault } from './dead-letters.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { SchemaName, TallyRecord } from './records.ts';

export interface SchemaVersion {
  name: SchemaName;
  version: number;
  file: string;
  type: avro.Type;
  /** 16 hex digits: the 8 bytes as they stand in a message. */
  fingerprint: string;
  /** Of a version that was announced: how what was written in it is read as `type`, and as `type` with bytes for strings. */
  resolvers?: { text: Resolver; raw: Resolver };
}

/** Steps over the fields that a type does not have, whatever they hold. */
export type Resolver = ReturnType<avro.Type['createResolver']>;

const HEADER_BYTES = 10;

/** Every schema version ever shipped, oldest first within a name. Add; never change or remove. */
export const VERSIONS: readonly SchemaVersion[] = [
  load('Interaction', 1, 'interaction.v1.avsc'),
  load('InteractionVoided', 1, 'interaction-voided.v1.avsc'),
  load('ProfileRecord', 1, 'profile-record.v1.avsc'),
];

const byFingerprint = new Map(VERSIONS.map((version) => [version.fingerprint, version]));
const latest = new Map(VERSIONS.map((version) => [version.name, version]));
const fields = new Map(
  [...latest].map(([name, { type }]) => [name, (type as avro.types.RecordType).fields.map((field) => field.name)]),
);
const BYTES = avro.Type.forSchema('bytes');
/** The same schemas with bytes for strings: what was written, before text is made of it. */
const rawTypes = new Map(VERSIONS.map(({ type }) => [type, withBytesForStrings(type)]));
const headers = new Map(VERSIONS.map((version) => [version, Buffer.from(`c301${version.fingerprint}`, 'hex')]));

/** Encodes a record under the newest version of its schema. Throws avsc's error on a value that does not fit. */
export function encodeRecord(record: TallyRecord): Buffer {
  const version = latest.get(record.schema);
  const header = version && headers.get(version);
  if (!header) throw new Error(`no schema named ${record.schema}`);
  return Buffer.concat([header, version.type.toBuffer(record.value)]);
}

/** The bytes that a record of a schema's version begins with. */
export function headerOf(name: SchemaName, version: number): Uint8Array {
  const of = VERSIONS.find((known) => known.name === name && known.version === version);
  const header = of && headers.get(of);
  if (!header) throw new Error(`no version ${version} of a schema named ${name}`);
  return Uint8Array.from(header);
}

export type Decoded = { ok: true; record: TallyRecord } | { ok: false; fault: Fault };

/** Versions that this code does not know, by fingerprint; text says why one cannot be read (announced.ts). */
export interface NewerVersions {
  find: (fingerprint: string) => SchemaVersion | string | undefined;
}

/** Decodes any bytes: a record, or the reason why they are none. Never throws. */
export function decodeRecord(value: Buffer | null, newer?: NewerVersions): Decoded {
  if (value === null || value.length === 0) return fault('empty-value', value === null ? 'null value' : 'zero bytes');
  if (value[0] === 0 && value.length >= 5) return fault('registry-framing', `schema id ${value.readUInt32BE(1)}`);
  if (value[0] !== 0xc3 || value[1] !== 0x01) return fault('unknown-framing', `first bytes ${hex(value, 0, 2)}`);
  if (value.length < HEADER_BYTES) return fault('malformed-datum', `only ${value.length} bytes`);
  const fingerprint = hex(value, 2, HEADER_BYTES);
  const version = byFingerprint.get(fingerprint) ?? newer?.find(fingerprint);
  if (version === undefined) return fault('unknown-schema', `fingerprint ${fingerprint}`);
  if (typeof version === 'string') return fault('unknown-schema', `fingerprint ${fingerprint}: ${version}`);
  const datum = value.subarray(HEADER_BYTES);
  if (version.name === 'ProfileRecord' && !identifiersFit(datum)) {
    return fault('malformed-datum', 'the identifiers’ count exceeds the bytes there are');
  }
  try {
    const value = version.type.fromBuffer(datum, version.resolvers?.text);
    const record = { schema: version.name, value: asNewest(version, value) } as TallyRecord;
    if (!keepsItsBytes(record, version, datum)) return fault('invalid-utf8', 'a string is not valid UTF-8');
    return { ok: true, record };
  } catch (error) {
    return fault('malformed-datum', error instanceof Error ? error.message : String(error));
  }
}

/** With the fields of the newest version this code knows: those that were added since are null, later ones are left. */
function asNewest(version: SchemaVersion, value: Record<string, unknown>): object {
  if (version === latest.get(version.name)) return value;
  return Object.fromEntries((fields.get(version.name) ?? []).map((name) => [name, value[name] ?? null]));
}

function fault(reason: Fault['reason'], detail: string): Decoded {
  return { ok: false, fault: { reason, detail } };
}

function hex(bytes: Buffer, from: number, to: number): string {
  return bytes.subarray(from, to).toString('hex');
}

function load(name: SchemaName, version: number, file: string): SchemaVersion {
  const type = avro.Type.forSchema(JSON.parse(readFileSync(new URL(`avro/${file}`, import.meta.url), 'utf8')));
  return { name, version, file, type, fingerprint: fingerprintOf(type) };
}

/** A schema with bytes for strings; of one of `VERSIONS` the same each time, since a resolver is for one type alone. */
export function rawTypeOf(type: avro.Type): avro.Type {
  return rawTypes.get(type) ?? withBytesForStrings(type);
}

function withBytesForStrings(type: avro.Type): avro.Type {
  return avro.Type.forSchema(type.schema(), { typeHook: (schema) => (schema === 'string' ? BYTES : undefined) });
}

/**
 * avsc replaces invalid UTF-8 by U+FFFD, which would make two different ids one. Only a record that holds U+FFFD is
 * suspect, and only then its strings are read again as bytes. (Writing it again and comparing would not do: Avro lets
 * one array be written in several ways.)
 */
function keepsItsBytes(record: TallyRecord, version: SchemaVersion, datum: Buffer): boolean {
  if (!freeText(record).includes('\ufffd')) return true;
  return holdsOnlyUtf8(rawTypeOf(version.type).fromBuffer(datum, version.resolvers?.raw));
}

function holdsOnlyUtf8(value: unknown): boolean {
  if (Buffer.isBuffer(value)) return isUtf8(value);
  return typeof value !== 'object' || value === null || Object.values(value).every(holdsOnlyUtf8);
}

function freeText(record: TallyRecord): string {
  switch (record.schema) {
    case 'Interaction': {
      const { eventId, tenantId, environmentId, entityId, journeyId, provider } = record.value;
      return `${eventId}${tenantId}${environmentId}${entityId}${journeyId}${provider}`;
    }
    case 'InteractionVoided': {
      const { eventId, tenantId, environmentId, entityId, reason } = record.value;
      return `${eventId}${tenantId}${environmentId}${entityId}${reason}`;
    }
    case 'ProfileRecord':
      return JSON.stringify(record.value);
  }
}

/**
 * avsc allocates an array of whatever length a block announces, before it reads an item: a datum of twenty bytes could
 * announce a billion. An identifier takes at least two bytes, so the announced counts are checked against what is there.
 */
function identifiersFit(datum: Buffer): boolean {
  let at = 0;
  const long = (): number => {
    let value = 0;
    let scale = 1;
    for (; at < datum.length; scale *= 128) {
      const byte = datum[at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value % 2 ? -(value + 1) / 2 : value / 2;
    }
    return Number.NaN;
  };
  const skip = (bytes: number): boolean => {
    at += bytes;
    return bytes >= 0 && at <= datum.length;
  };
  for (let field = 0; field < 4; field++) if (!skip(long())) return false;
  long(); // operation
  for (;;) {
    let count = long();
    if (count === 0) return true;
    if (count < 0) {
      count = -count;
      long(); // the block's size in bytes
    }
    if (!(count <= (datum.length - at) / 2)) return false;
    for (let item = 0; item < count; item++) if (!skip(long()) || !skip(long())) return false;
  }
}
