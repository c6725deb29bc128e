/**
 * Every kind of fault the gateway answers with. Codes are stable: senders decide by them, never by words.
 */
import { Problem } from '@tally/platform/http';

export const FAULTS = {
  // The request as a whole
  'unsupported-media-type': { status: 415, title: 'The media type is not accepted' },
  'unsupported-encoding': { status: 415, title: 'The content encoding is not accepted' },
  'invalid-utf8': { status: 400, title: 'The request is not UTF-8' },
  'invalid-json': { status: 400, title: 'The body is not JSON' },
  'invalid-header': { status: 400, title: 'A ce- header is malformed' },
  'not-a-batch': { status: 400, title: 'The body is not a batch' },
  'empty-batch': { status: 400, title: 'The batch holds no event' },
  'batch-too-large': { status: 413, title: 'The batch holds too many events' },
  'batch-refused': { status: 400, title: 'No event of the batch was accepted' },
  // One event: refused, sending it again does not help
  'not-a-cloudevent': { status: 400, title: 'Not a CloudEvent 1.0' },
  'unknown-type': { status: 400, title: 'The event type is not known' },
  'invalid-data': { status: 400, title: 'The event’s data is not valid' },
  'invalid-id': { status: 400, title: 'An id is not valid' },
  'occurred-too-early': { status: 400, title: 'The event is too old' },
  'occurred-too-late': { status: 400, title: 'The event lies in the future' },
  'invalid-record': { status: 400, title: 'The event is not valid' },
  'tenant-forbidden': { status: 403, title: 'The key does not cover the tenant' },
  'record-too-large': { status: 413, title: 'The event is too large' },
  // Failed: sending it again can help
  'back-pressure': { status: 429, title: 'Too many events are in flight' },
  'kafka-unavailable': { status: 503, title: 'The log is not available' },
  'shutting-down': { status: 503, title: 'Shutting down' },
  internal: { status: 500, title: 'Internal error' },
} as const satisfies Record<string, { status: number; title: string }>;

export type FaultCode = keyof typeof FAULTS;

/** Senders may come back sooner after back-pressure than after an outage; seconds. */
const RETRY_AFTER_SECONDS: Partial<Record<FaultCode, number>> = {
  'back-pressure': 1,
  'kafka-unavailable': 5,
  'shutting-down': 5,
};

/** The Problem of a code; `extensions` are further members of its body. */
export function problemFor(
  code: FaultCode,
  detail: string,
  extensions: Readonly<Record<string, unknown>> = {},
): Problem {
  const retryAfter = RETRY_AFTER_SECONDS[code];
  const headers = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
  return new Problem({ ...FAULTS[code], code, detail, extensions, headers });
}
