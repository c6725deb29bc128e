/**
 * What makes a decoded record valid. The producer and the gateway ask before sending, the consumer before counting: one
 * set of rules for all.
 */
import type { Fault } from './dead-letters.ts';
import type { TallyRecord } from './records.ts';

export const ID_BYTES_MAX = 128;
export const SCOPE_ID_BYTES_MAX = 64;
export const OCCURRED_AT_MIN = Date.UTC(2015, 0, 1);
/** How far an event may lie in the future of the broker's clock, in milliseconds. */
export const FUTURE_MS_MAX = 24 * 60 * 60 * 1000;

const SCOPE_ID = new RegExp(`^[A-Za-z0-9_.:-]{1,${SCOPE_ID_BYTES_MAX}}$`);
const CONTROL = /\p{Cc}/u;

/**
 * The first thing wrong with a record, or undefined.
 * @param receivedAt the broker's timestamp of the record (the sender's clock before sending), milliseconds UTC
 */
export function faultOf(record: TallyRecord, receivedAt: number): Fault | undefined {
  const { tenantId, environmentId } = record.value;
  const scope = scopeFault('tenantId', tenantId) ?? scopeFault('environmentId', environmentId);
  if (scope) return scope;
  switch (record.schema) {
    case 'Interaction': {
      const { eventId, entityId, journeyId, occurredAt } = record.value;
      return (
        idFault('eventId', eventId) ??
        idFault('entityId', entityId) ??
        (journeyId === null ? undefined : idFault('journeyId', journeyId)) ??
        timeFault(occurredAt, receivedAt)
      );
    }
    case 'InteractionVoided':
      return idFault('eventId', record.value.eventId) ?? idFault('entityId', record.value.entityId);
    case 'ProfileRecord': {
      const own = idFault('source', record.value.source) ?? idFault('recordId', record.value.recordId);
      if (own) return own;
      for (const { kind, value } of record.value.identifiers) {
        const fault = idFault('identifier kind', kind) ?? textFault('identifier value', value);
        if (fault) return fault;
      }
      return undefined;
    }
  }
}

function scopeFault(name: string, id: unknown): Fault | undefined {
  if (typeof id === 'string' && SCOPE_ID.test(id)) return undefined;
  return { reason: 'invalid-id', detail: `${name} must be 1 to 64 of A-Z a-z 0-9 _ . : -` };
}

function idFault(name: string, id: unknown): Fault | undefined {
  if (typeof id !== 'string') return { reason: 'invalid-id', detail: `${name} is not a string` };
  if (id.length === 0) return { reason: 'invalid-id', detail: `${name} is empty` };
  // A UTF-16 unit takes at most 3 bytes in UTF-8, so only long ids need counting.
  const bytes = id.length * 3 <= ID_BYTES_MAX ? 0 : Buffer.byteLength(id);
  if (bytes > ID_BYTES_MAX) {
    return { reason: 'invalid-id', detail: `${name} has ${bytes} bytes, at most ${ID_BYTES_MAX} are allowed` };
  }
  if (CONTROL.test(id)) return { reason: 'invalid-id', detail: `${name} holds a control character` };
  return textFault(name, id);
}

/** A lone surrogate would be written as U+FFFD, and two different texts would become one. */
function textFault(name: string, text: unknown): Fault | undefined {
  if (typeof text === 'string' && text.isWellFormed()) return undefined;
  return { reason: 'invalid-id', detail: `${name} is not well-formed Unicode` };
}

function timeFault(occurredAt: number, receivedAt: number): Fault | undefined {
  if (occurredAt < OCCURRED_AT_MIN) {
    return { reason: 'occurred-too-early', detail: `occurredAt is ${describe(occurredAt)}` };
  }
  if (occurredAt > receivedAt + FUTURE_MS_MAX) {
    return {
      reason: 'occurred-too-late',
      detail: `occurredAt is ${describe(occurredAt)}, the broker received it at ${describe(receivedAt)}`,
    };
  }
  return undefined;
}

function describe(epochMs: number): string {
  const date = new Date(epochMs);
  return Number.isNaN(date.getTime()) ? `${epochMs} ms` : date.toISOString();
}
