/**
 * Why a record cannot count. The code goes into the dead letter's `reason` header; a person reads `detail`.
 */
export const DEAD_LETTER_REASONS = {
  'empty-value': 'the record has no value',
  'unknown-framing': 'the value does not begin with the Avro single-object marker C3 01',
  'registry-framing': 'the value has schema-registry framing, and no registry is configured',
  'unknown-schema': 'the schema’s fingerprint is none that this version knows, and none that was announced',
  'malformed-datum': 'the bytes are not a datum of the schema they name',
  'invalid-utf8': 'a string holds bytes that are not UTF-8',
  'wrong-topic': 'the schema does not belong on this topic',
  'invalid-id': 'an id is empty, too long, or holds characters an id must not hold',
  'occurred-too-early': 'occurredAt lies before 2015-01-01',
  'occurred-too-late': 'occurredAt lies more than 24 hours after the broker received the record',
  'missing-key': 'the record has no key, so its order among its entity’s events is unknown',
  'key-mismatch': 'the record’s key is not the one its content asks for',
  'wrong-partition': 'the record is not on the partition its key hashes to',
} as const;

export type DeadLetterReason = keyof typeof DEAD_LETTER_REASONS;

/** A reason with what was found, in words without personal data. */
export interface Fault {
  reason: DeadLetterReason;
  detail: string;
}
