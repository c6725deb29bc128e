/**
 * The keys under which entities and events are known: 128 bits of BLAKE3. A shorter hash, or one that is not made against
 * it, would let a sender make two events of one key, and the second would not be billed.
 */
import { createHmac } from 'node:crypto';
import { murmur2 } from '@tally/platform/kafka';
import { CHANNELS, DIRECTIONS, type EntityIdentity, type Interaction } from '@tally/schemas';
import { Blake3, HASH_BYTES } from './blake3.ts';

export const KEY_BYTES = HASH_BYTES;
export const CONTENT_HASH_BYTES = 8;
/** Of the two halves of a content's hash. */
export const CONTENT_SEEDS = [0x2f0b4a27, 0x5bd07f4d] as const;

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

/**
 * Tells a repetition from a conflict: 64 bits over everything but the identity. A sender may well make two contents of one
 * hash; then a conflict of his own is called a repetition, and neither counts.
 */
export function contentHashOf(event: Interaction): bigint {
  const { channel, direction, occurredAt, journeyId, provider } = event;
  const head = Buffer.alloc(10);
  head.writeUInt8(CHANNELS.indexOf(channel), 0);
  head.writeUInt8(DIRECTIONS.indexOf(direction), 1);
  head.writeBigInt64LE(BigInt(occurredAt), 2);
  const journey = Buffer.from(journeyId ?? '');
  const parts = [head, Buffer.from([journeyId === null ? 0 : journey.length + 1]), journey];
  parts.push(Buffer.from([provider === null ? 0 : 1]), Buffer.from(provider ?? ''));
  const content = Buffer.concat(parts);
  const [low, high] = CONTENT_SEEDS.map((seed) => BigInt.asUintN(32, BigInt(murmur2(content, content.length, seed))));
  return ((high ?? 0n) << 32n) | (low ?? 0n);
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
