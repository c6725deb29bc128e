/**
 * The worked cases of the rules, as records to send and figures to expect.
 */
import { readFileSync } from 'node:fs';
import {
  CHANNELS,
  DIRECTIONS,
  defaultDirection,
  ENTITY_TYPES,
  PROFILE_OPERATIONS,
  type TallyRecord,
} from '@tally/schemas';
import { z } from 'zod';

const scope = { tenantId: z.string(), environmentId: z.string() };
const entity = { ...scope, entityType: z.enum(ENTITY_TYPES), entityId: z.string(), eventId: z.string() };
const counts = z.record(z.string(), z.number());

const caseRecord = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('interaction'),
    ...entity,
    channel: z.enum(CHANNELS),
    direction: z.enum(DIRECTIONS).optional(),
    occurredAt: z.string(),
  }),
  z.strictObject({ type: z.literal('void'), ...entity, reason: z.string() }),
  z.strictObject({
    type: z.literal('profile'),
    ...scope,
    source: z.string(),
    recordId: z.string(),
    op: z.enum(PROFILE_OPERATIONS).default('upsert'),
    identifiers: z.array(z.strictObject({ kind: z.string(), value: z.string() })).default([]),
  }),
]);

const expectation = z.discriminatedUnion('meter', [
  z.strictObject({
    meter: z.literal('interactions'),
    tenantId: z.string(),
    month: z.string(),
    policy: z.string().optional(),
    byChannel: counts,
  }),
  z.strictObject({
    meter: z.literal('engaged'),
    tenantId: z.string(),
    asOf: z.string(),
    policy: z.string().optional(),
    total: z.number(),
  }),
  z.strictObject({ meter: z.literal('unified'), tenantId: z.string(), byEnvironment: counts }),
]);

const meterCase = z.strictObject({
  name: z.string(),
  records: z.array(caseRecord),
  expect: z.array(expectation),
});

export type MeterCase = z.infer<typeof meterCase>;

/** Every case of test/cases/meters.json. */
export function meterCases(): MeterCase[] {
  const text = readFileSync(new URL('../cases/meters.json', import.meta.url), 'utf8');
  return z.array(meterCase).parse(JSON.parse(text));
}

/** A case's records, under tenants of its own so that cases do not meet. */
export function recordsOf({ records }: MeterCase, tenantOf: (tenantId: string) => string): TallyRecord[] {
  const convert = (record: MeterCase['records'][number]): TallyRecord => {
    const tenantId = tenantOf(record.tenantId);
    switch (record.type) {
      case 'interaction': {
        const { type: _, occurredAt, direction, ...rest } = record;
        return {
          schema: 'Interaction',
          value: {
            ...rest,
            tenantId,
            direction: direction ?? defaultDirection(record.channel),
            occurredAt: Date.parse(occurredAt),
            journeyId: null,
            provider: null,
          },
        };
      }
      case 'void': {
        const { type: _, ...rest } = record;
        return { schema: 'InteractionVoided', value: { ...rest, tenantId, voidedAt: Date.now() } };
      }
      case 'profile': {
        const { type: _, op, ...rest } = record;
        return { schema: 'ProfileRecord', value: { ...rest, tenantId, operation: op, changedAt: Date.now() } };
      }
    }
  };
  return records.map(convert);
}
