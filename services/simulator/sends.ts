/**
 * One step of the simulated stream: what is sent, and by which way.
 */
import { type DeadLetterReason, recordKey, type TallyRecord } from '@tally/schemas';
import { hashText } from './hash.ts';

/** `client`: through the producer client. `gateway`: over HTTP. `raw`: by a plain Kafka send. */
export type Lane = 'client' | 'gateway' | 'raw';

/** A record that must reach the log. */
export interface RecordSend {
  kind: 'record';
  lane: 'client' | 'gateway';
  record: TallyRecord;
}

/** Bytes for one of the two metered topics. */
export interface RawRecord {
  topic: 'interactions' | 'profiles';
  key: Buffer | null;
  value: Buffer | null;
}

/** A record that no client would send; it must end in the dead letters with exactly this reason. */
export interface RawSend {
  kind: 'raw';
  lane: 'raw';
  raw: RawRecord & { reason: DeadLetterReason };
}

/** A CloudEvent that the gateway must refuse, and that must never reach the log. */
export interface RefusedSend {
  kind: 'refused';
  lane: 'gateway';
  refused: {
    /** The rule it breaks, for reports. */
    rule: string;
    cloudEvent: Record<string, unknown>;
  };
}

export type Send = RecordSend | RawSend | RefusedSend;

/**
 * A record with its lane. All events of one entity, and all states of one profile record, share a key and so a lane:
 * their order in the log is then the order of the stream.
 */
export function sendOf(record: TallyRecord): RecordSend {
  return { kind: 'record', lane: hashText(recordKey(record)) % 2 === 0 ? 'client' : 'gateway', record };
}

/**
 * What must not be overtaken: the event, or the profile record. Order among different events of an entity moves no
 * figure and no outcome; which of two sends of the *same* event comes first does.
 */
export function identityOf(record: TallyRecord): string {
  return record.schema === 'ProfileRecord' ? recordKey(record) : `${recordKey(record)}\n${record.value.eventId}`;
}
