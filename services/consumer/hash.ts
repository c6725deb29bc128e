/**
 * The keys under which entities and events are known: 128 bits of BLAKE3. A shorter hash, or one that is not made against
 * it, would let a sender make two events of one key, and the second would not be billed.
 */
import { createHash, createHmac } from 'node:crypto';
import { CHANNELS, DIRECTIONS, type EntityIdentity, type Interaction } from '@tally/schemas';
import { Blake3, HASH_BYTES, HASHED_BYTES_MAX } from './blake3.ts';

export const KEY_BYTES = HASH_BYTES;
export const CONTENT_HASH_BYTES = 8;

const blake3 = new Blake3();

/** Of `tenantId, environmentId, entityType, entityId`. Ids hold no control characters, so U+0000 keeps them apart. */
export function entityKeyOf(entity: EntityIdentity): Buffer {
  const { tenantId, environmentId, entityType, entityId } = entity;
  return keyOf(Buffer.from(`${tenantId}\0${environmentId}\0${entityType}\0${entityId}`));
}

/**
 * Of the entity's key and the event id. Time is not part of it: the same event id of the same entity is the same event
 * for ever.
 */
export function eventKeyOf(event: EntityIdentity & { eventId: string }): Buffer {
  return keyOf(Buffer.concat([entityKeyOf(event), Buffer.from(event.eventId)]));
}

/** Tells a repetition from a conflict: 64 bits over everything but the identity. */
export function contentHashOf(event: Interaction): bigint {
  const { channel, direction, occurredAt, journeyId, provider } = event;
  const head = Buffer.alloc(10);
  head.writeUInt8(CHANNELS.indexOf(channel), 0);
  head.writeUInt8(DIRECTIONS.indexOf(direction), 1);
  head.writeBigInt64LE(BigInt(occurredAt), 2);
  const journey = Buffer.from(journeyId ?? '');
  const parts = [head, Buffer.from([journeyId === null ? 0 : journey.length + 1]), journey];
  parts.push(Buffer.from([provider === null ? 0 : 1]), Buffer.from(provider ?? ''));
  return contentHash(Buffer.concat(parts)).readBigUInt64LE(0);
}

/** A content of any length: a provider's name has no limit of its own. */
function contentHash(content: Buffer): Buffer {
  if (content.length <= HASHED_BYTES_MAX) return keyOf(content);
  return createHash('sha256').update(content).digest();
}

function keyOf(message: Buffer): Buffer {
  blake3.input.set(message);
  return Buffer.from(blake3.hash(message.length));
}

/** A secret's key for one tenant, so that equal identifiers of two tenants have nothing in common. */
export function tenantSecretOf(secret: string, tenantId: string): Buffer {
  return createHmac('sha256', secret).update(`tenant\0${tenantId}`).digest();
}

/** An identifier as ClickHouse knows it. */
export function identifierKeyOf(tenantSecret: Buffer, kind: string, normalised: string): Buffer {
  return createHmac('sha256', tenantSecret).update(`${kind}\0${normalised}`).digest().subarray(0, KEY_BYTES);
}
