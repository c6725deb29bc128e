/**
 * A small history in which everything becomes of its records that can.
 */
import type { Interaction, TallyRecord } from '@tally/schemas';

/** An interaction of its own for each index, over 14 months, 25 entities, two environments and two channels. */
export function interactionOf(tenantId: string, index: number, change: Partial<Interaction> = {}): TallyRecord {
  return {
    schema: 'Interaction',
    value: {
      eventId: `e${index}`,
      tenantId,
      environmentId: index % 3 === 0 ? 'sandbox' : 'prod',
      entityType: 'contact',
      entityId: `c${index % 25}`,
      channel: index % 2 === 0 ? 'email' : 'sms',
      direction: 'outbound',
      occurredAt: Date.UTC(2025, index % 14, 1 + (index % 28)),
      journeyId: null,
      provider: null,
      ...change,
    },
  };
}

function voidOf(record: TallyRecord): TallyRecord {
  if (record.schema !== 'Interaction') throw new Error('only interactions are voided');
  const { eventId, tenantId, environmentId, entityType, entityId } = record.value;
  const entity = { tenantId, environmentId, entityType, entityId };
  return { schema: 'InteractionVoided', value: { eventId, ...entity, voidedAt: 0, reason: 'never sent' } };
}

function profileOf(tenantId: string, recordId: string, email: string | null): TallyRecord {
  const identifiers = email === null ? [] : [{ kind: 'email', value: email }];
  const operation = email === null ? 'delete' : 'upsert';
  const value = { tenantId, environmentId: 'prod', source: 'crm', recordId, identifiers, changedAt: 0 };
  return { schema: 'ProfileRecord', value: { ...value, operation } };
}

export interface MixedHistory {
  /** The 75 events that count, 10 of them until they are taken back. */
  first: TallyRecord[];
  /** All of the interactions topic: 75 counted, 25 duplicate, 3 conflicting, 15 void, 5 suppressed. */
  events: TallyRecord[];
  /** Five records of four sources' records, one of them deleted: two people. */
  profiles: TallyRecord[];
}

export function mixedHistory(tenantId: string): MixedHistory {
  const first = Array.from({ length: 75 }, (_, index) => interactionOf(tenantId, index));
  const late = Array.from({ length: 5 }, (_, index) => interactionOf(tenantId, 100 + index));
  return {
    first,
    events: [
      ...late.map(voidOf),
      ...first,
      ...late,
      ...first.slice(0, 20),
      ...first.slice(30, 40).map(voidOf),
      ...first.slice(30, 35).map(voidOf),
      ...[50, 51, 52].map((index) => interactionOf(tenantId, index, { channel: 'push' })),
    ],
    profiles: [
      profileOf(tenantId, 'a', 'one@x.io'),
      profileOf(tenantId, 'b', ' ONE@x.io'),
      profileOf(tenantId, 'c', 'two@x.io'),
      profileOf(tenantId, 'd', 'two@x.io'),
      profileOf(tenantId, 'd', null),
    ],
  };
}
