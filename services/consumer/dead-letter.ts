/**
 * Step 1's other end: what cannot count goes to the dead letters, byte for byte, acknowledged, before anything is said
 * about its position. A crash afterwards sends it again; `epoch`, `partition` and `offset` tell that it is the same.
 */
import type { IncomingRecord, OutgoingRecord } from '@tally/platform/kafka';
import type { Fault } from '@tally/schemas';

/**
 * What a retried record says of where it came from: the dead letter it repeats, the first one of the line, and how many
 * retries lie between that and it. A dead letter carries them on.
 */
export const LINEAGE_HEADERS = { of: 'retry-of', root: 'retry-root', attempt: 'retry-attempt' } as const;

export interface DeadLetterOrigin {
  topic: string;
  /** Of the log: a topic that is recreated has the same offsets again. */
  epoch: number;
  partition: number;
  /** The service that refused it. */
  service: string;
}

/** Which trace a record is in, as its sender said; W3C wants no more of the longer one to be passed on. */
const TRACE_HEADERS: readonly string[] = ['traceparent', 'tracestate'];
const TRACE_HEADER_BYTES_MAX = 512;

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
      epoch: String(origin.epoch),
      partition: String(origin.partition),
      offset: String(record.offset),
      service: origin.service,
      ...keptOf(record.headers),
    },
  };
}

function keptOf(headers: IncomingRecord['headers']): Record<string, string | Buffer> {
  const kept: Record<string, string | Buffer> = {};
  for (const name of [...Object.values(LINEAGE_HEADERS), ...TRACE_HEADERS]) {
    const value = headers?.[name];
    const last = Array.isArray(value) ? value.at(-1) : value;
    if (last === undefined) continue;
    if (!TRACE_HEADERS.includes(name) || last.length <= TRACE_HEADER_BYTES_MAX) kept[name] = last;
  }
  return kept;
}
