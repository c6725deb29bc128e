/**
 * The records that travel on Tally's topics, as TypeScript sees them. The Avro files in `avro/` are their wire form.
 */

export const ENTITY_TYPES = ['contact', 'lead', 'profile', 'custom', 'other'] as const;
export const CHANNELS = ['email', 'sms', 'push', 'voice', 'form_submission', 'custom'] as const;
export const DIRECTIONS = ['outbound', 'inbound'] as const;
export const PROFILE_OPERATIONS = ['upsert', 'delete'] as const;

export type EntityType = (typeof ENTITY_TYPES)[number];
export type Channel = (typeof CHANNELS)[number];
export type Direction = (typeof DIRECTIONS)[number];
export type ProfileOperation = (typeof PROFILE_OPERATIONS)[number];

/** One outbound message or one inbound action, orchestrated by a journey. */
export interface Interaction {
  /** Unique within its entity, 1 to 128 UTF-8 bytes; identifies the event for ever, whatever its time. */
  eventId: string;
  tenantId: string;
  environmentId: string;
  entityType: EntityType;
  entityId: string;
  channel: Channel;
  direction: Direction;
  /** Milliseconds since 1970-01-01 UTC, when it happened. */
  occurredAt: number;
  journeyId: string | null;
  provider: string | null;
}

/** Takes the interaction of the same identity back. */
export interface InteractionVoided {
  eventId: string;
  tenantId: string;
  environmentId: string;
  entityType: EntityType;
  entityId: string;
  /** Milliseconds since 1970-01-01 UTC. */
  voidedAt: number;
  reason: string;
}

/** One identifier of a source record: `kind` is `email`, `phone` or any other name. */
export interface Identifier {
  kind: string;
  value: string;
}

/** The latest identifiers of one record of one source, or its deletion. */
export interface ProfileRecord {
  tenantId: string;
  environmentId: string;
  source: string;
  recordId: string;
  operation: ProfileOperation;
  identifiers: Identifier[];
  /** Milliseconds since 1970-01-01 UTC. */
  changedAt: number;
}

/** A record with the name of its schema. */
export type TallyRecord =
  | { schema: 'Interaction'; value: Interaction }
  | { schema: 'InteractionVoided'; value: InteractionVoided }
  | { schema: 'ProfileRecord'; value: ProfileRecord };

export type SchemaName = TallyRecord['schema'];

/** What names one entity within all of Tally. */
export type EntityIdentity = Pick<Interaction, 'tenantId' | 'environmentId' | 'entityType' | 'entityId'>;
