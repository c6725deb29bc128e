/**
 * Step 1's other end: what cannot count goes to the dead letters, byte for byte, acknowledged, before anything is said
 * about its position. A crash afterwards sends it again; `topic`, `partition` and `offset` tell that it is the same.
 */
import type { IncomingRecord, OutgoingRecord } from '@tally/platform/kafka';
import type { Fault } from '@tally/schemas';

export interface DeadLetterOrigin {
  topic: string;
  partition: number;
  /** The service that refused it. */
  service: string;
}

/** The dead letter of a record. */
export function deadLetter(
  record: IncomingRecord,
  fault: Fault,
  origin: DeadLetterOrigin,
  deadLetterTopic: string,
): OutgoingRecord {
  return {
    topic: deadLetterTopic,
    key: record.key,
    value: record.value,
    headers: {
      reason: fault.reason,
      detail: fault.detail,
      topic: origin.topic,
      partition: String(origin.partition),
      offset: record.offset.toString(),
      service: origin.service,
    },
  };
}
