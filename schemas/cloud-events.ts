/**
 * The gateway's wire: CloudEvents 1.0 whose `data` holds the Avro fields by name. `id` is the event id; `time` is
 * occurredAt, voidedAt or changedAt.
 */
import { z } from 'zod';
import { CHANNELS, DIRECTIONS, ENTITY_TYPES, PROFILE_OPERATIONS, type TallyRecord } from './records.ts';

export const CLOUD_EVENT_TYPES = {
  interaction: 'tally.interaction.v1',
  voided: 'tally.interaction.voided.v1',
  profile: 'tally.profile.v1',
} as const;

const envelope = {
  specversion: z.literal('1.0'),
  id: z.string().min(1),
  source: z.string().min(1),
  time: z.iso.datetime({ offset: true }),
  datacontenttype: z
    .string()
    .regex(/^application\/([\w.+-]+\+)?json\s*(;.*)?$/i, 'must be a JSON media type')
    .nullish(), // the JSON format lets an unset attribute stand as null
};

const entity = {
  tenantId: z.string(),
  environmentId: z.string(),
  entityType: z.enum(ENTITY_TYPES),
  entityId: z.string(),
};

const interactionEvent = z.looseObject({
  ...envelope,
  type: z.literal(CLOUD_EVENT_TYPES.interaction),
  data: z.strictObject({
    ...entity,
    channel: z.enum(CHANNELS),
    direction: z.enum(DIRECTIONS).optional(),
    journeyId: z.string().nullish(),
    provider: z.string().nullish(),
  }),
});

const voidedEvent = z.looseObject({
  ...envelope,
  type: z.literal(CLOUD_EVENT_TYPES.voided),
  data: z.strictObject({ ...entity, reason: z.string() }),
});

const profileEvent = z.looseObject({
  ...envelope,
  type: z.literal(CLOUD_EVENT_TYPES.profile),
  data: z.strictObject({
    tenantId: z.string(),
    environmentId: z.string(),
    source: z.string(),
    recordId: z.string(),
    operation: z.enum(PROFILE_OPERATIONS).default('upsert'),
    identifiers: z.array(z.strictObject({ kind: z.string(), value: z.string() })).default([]),
  }),
});

/** One CloudEvent as the gateway accepts it; extension attributes are allowed and ignored. */
export const cloudEventSchema = z.discriminatedUnion('type', [interactionEvent, voidedEvent, profileEvent]);

export type TallyCloudEvent = z.infer<typeof cloudEventSchema>;

/** The direction an interaction has when its sender leaves it out: inbound for a form submission, else outbound. */
export function defaultDirection(channel: (typeof CHANNELS)[number]): (typeof DIRECTIONS)[number] {
  return channel === 'form_submission' ? 'inbound' : 'outbound';
}

/** The record that a parsed CloudEvent stands for. */
export function recordOfCloudEvent(event: TallyCloudEvent): TallyRecord {
  const at = Date.parse(event.time);
  switch (event.type) {
    case CLOUD_EVENT_TYPES.interaction: {
      const { direction, journeyId, provider, ...rest } = event.data;
      return {
        schema: 'Interaction',
        value: {
          eventId: event.id,
          ...rest,
          direction: direction ?? defaultDirection(rest.channel),
          occurredAt: at,
          journeyId: journeyId ?? null,
          provider: provider ?? null,
        },
      };
    }
    case CLOUD_EVENT_TYPES.voided:
      return { schema: 'InteractionVoided', value: { eventId: event.id, ...event.data, voidedAt: at } };
    case CLOUD_EVENT_TYPES.profile:
      return { schema: 'ProfileRecord', value: { ...event.data, changedAt: at } };
  }
}
