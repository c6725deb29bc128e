/**
 * The keys under which entities and events are known: the first 128 bits of SHA-256. A shorter or faster hash would let
 * a sender make two events of one key, and the second would not be billed.
 */
import { createHmac, hash } from 'node:crypto';
import type { EntityIdentity, Interaction } from '@tally/schemas';

export const KEY_BYTES = 16;

/** Ids hold no control characters, so U+0000 keeps them apart. */
export function entityKeyOf(entity: EntityIdentity): Buffer {
  const { tenantId, environmentId, entityType, entityId } = entity;
  return digest128(`${tenantId}\0${environmentId}\0${entityType}\0${entityId}`);
}

/** Time is not part of it: the same event id of the same entity is the same event for ever. */
export function eventKeyOf(event: EntityIdentity & { eventId: string }): Buffer {
  const { tenantId, environmentId, entityType, entityId, eventId } = event;
  return digest128(`${tenantId}\0${environmentId}\0${entityType}\0${entityId}\0${eventId}`);
}

/** Tells a repetition from a conflict: 64 bits over everything but the identity. */
export function contentHashOf(event: Interaction): bigint {
  const { channel, direction, occurredAt, journeyId, provider } = event;
  return digest128(JSON.stringify([channel, direction, occurredAt, journeyId, provider])).readBigUInt64LE(0);
}

/** A secret's key for one tenant, so that equal identifiers of two tenants have nothing in common. */
export function tenantSecretOf(secret: string, tenantId: string): Buffer {
  return createHmac('sha256', secret).update(`tenant\0${tenantId}`).digest();
}

/** An identifier as ClickHouse knows it. */
export function identifierKeyOf(tenantSecret: Buffer, kind: string, normalised: string): Buffer {
  return createHmac('sha256', tenantSecret).update(`${kind}\0${normalised}`).digest().subarray(0, KEY_BYTES);
}

function digest128(text: string): Buffer {
  return hash('sha256', text, 'buffer').subarray(0, KEY_BYTES);
}
