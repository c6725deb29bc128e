/**
 * Records as the CloudEvents that a service without the client would post.
 */
import { CLOUD_EVENT_TYPES, defaultDirection, recordKey, type TallyRecord } from '@tally/schemas';

const SOURCE = '/tally/simulator';
const OFFSET_MS = 2 * 60 * 60 * 1000;

/** A type rather than an interface, so that it is a plain record of attributes as well. */
export type CloudEvent = {
  specversion: '1.0';
  id: string;
  source: string;
  type: string;
  time: string;
  datacontenttype: 'application/json';
  data: Record<string, unknown>;
};

/** The CloudEvent of a record; the forms that the contract leaves free (time's offset, direction) vary with its time. */
export function cloudEventOf(record: TallyRecord): CloudEvent {
  switch (record.schema) {
    case 'Interaction': {
      const { eventId, occurredAt, direction, journeyId, provider, ...data } = record.value;
      const isImplied = direction === defaultDirection(data.channel) && occurredAt % 2 === 0;
      return envelope(CLOUD_EVENT_TYPES.interaction, eventId, occurredAt, {
        ...data,
        ...(!isImplied && { direction }),
        ...(journeyId !== null && { journeyId }),
        ...(provider !== null && { provider }),
      });
    }
    case 'InteractionVoided': {
      const { eventId, voidedAt, ...data } = record.value;
      return envelope(CLOUD_EVENT_TYPES.voided, eventId, voidedAt, data);
    }
    case 'ProfileRecord': {
      const { changedAt, ...data } = record.value;
      return envelope(CLOUD_EVENT_TYPES.profile, `${recordKey(record)}@${changedAt}`, changedAt, data);
    }
  }
}

function envelope(type: string, id: string, at: number, data: Record<string, unknown>): CloudEvent {
  return {
    specversion: '1.0',
    id,
    source: SOURCE,
    type,
    time: timeText(at),
    datacontenttype: 'application/json',
    data,
  };
}

function timeText(at: number): string {
  if (at % 5 !== 0) return new Date(at).toISOString();
  return new Date(at + OFFSET_MS).toISOString().replace('Z', '+02:00');
}
