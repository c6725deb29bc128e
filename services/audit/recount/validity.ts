/**
 * Which records count at all, by the contract: what ids may look like, which moments are believed, and that a record
 * stands under its own key on the partition that the key belongs on.
 */
import { isUtf8 } from 'node:buffer';
import { type Datum, ENTITY_TYPES, type InteractionDatum } from './datum.ts';
import { partitionFor } from './placement.ts';

/** A record of the log with where it stands. */
export interface PlacedRecord {
  key: Buffer;
  /** The broker's, milliseconds UTC. */
  timestamp: number;
  partition: number;
  /** Of the topic. */
  partitions: number;
}

const ID_BYTES_MAX = 128;
const SCOPE_BYTES_MAX = 64;
/** 2015-01-01T00:00:00Z. */
const OCCURRED_AT_MIN = 1_420_070_400_000;
const AHEAD_MS_MAX = 86_400_000;

/** Whether a record that could be read is one that has to be counted, or be told as a repetition or a void. */
export function isValid(datum: Datum, record: PlacedRecord): boolean {
  return (
    isScope(datum.tenantId) && isScope(datum.environmentId) && hasValidContent(datum, record) && isPlaced(datum, record)
  );
}

function hasValidContent(datum: Datum, { timestamp }: PlacedRecord): boolean {
  switch (datum.kind) {
    case 'interaction':
      return isId(datum.eventId) && isId(datum.entityId) && hasValidDetails(datum, timestamp);
    case 'void':
      return isId(datum.eventId) && isId(datum.entityId) && isUtf8(datum.reason);
    case 'profile':
      return (
        isId(datum.source) &&
        isId(datum.recordId) &&
        datum.identifiers.every(({ kind, value }) => isId(kind) && isUtf8(value))
      );
  }
}

function hasValidDetails({ journeyId, provider, occurredAt }: InteractionDatum, timestamp: number): boolean {
  return (
    (journeyId === null || isId(journeyId)) &&
    (provider === null || isUtf8(provider)) &&
    occurredAt >= OCCURRED_AT_MIN &&
    occurredAt <= timestamp + AHEAD_MS_MAX
  );
}

function isPlaced(datum: Datum, { key, partition, partitions }: PlacedRecord): boolean {
  return key.equals(keyOf(datum)) && partitionFor(key, partitions) === partition;
}

const SLASH = Buffer.from('/');
const ENTITY_TYPE_BYTES = ENTITY_TYPES.map((name) => Buffer.from(name));

/** `tenantId/environmentId/entityType/entityId`, or `tenantId/environmentId/source/recordId`. */
function keyOf(datum: Datum): Buffer {
  const { tenantId, environmentId } = datum;
  const [third, fourth] =
    datum.kind === 'profile'
      ? [datum.source, datum.recordId]
      : [ENTITY_TYPE_BYTES[datum.entityType] ?? SLASH, datum.entityId];
  return Buffer.concat([tenantId, SLASH, environmentId, SLASH, third, SLASH, fourth]);
}

/** `A-Z a-z 0-9 _ . : -`, by byte. */
const SCOPE_BYTES = new Uint8Array(256);
for (const byte of Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-')) {
  SCOPE_BYTES[byte] = 1;
}

function isScope(text: Buffer): boolean {
  if (text.length === 0 || text.length > SCOPE_BYTES_MAX) return false;
  for (const byte of text) if (SCOPE_BYTES[byte] !== 1) return false;
  return true;
}

function isId(text: Buffer): boolean {
  return text.length > 0 && text.length <= ID_BYTES_MAX && isUtf8(text) && !hasControl(text);
}

/** U+0000 to U+001F and U+007F are one byte; U+0080 to U+009F are C2 and 80 to 9F. */
function hasControl(text: Buffer): boolean {
  let before = 0;
  for (const byte of text) {
    if (byte < 0x20 || byte === 0x7f) return true;
    if (before === 0xc2 && byte < 0xa0) return true;
    before = byte;
  }
  return false;
}
