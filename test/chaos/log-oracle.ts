/**
 * What must have become of every record of the log, worked out from the log itself. A record is recognised by its bytes
 * as one that was sent, so nothing is decoded here; then the rules of first occurrence are applied once more, in order,
 * with nothing forgotten and nothing asked of anybody.
 */
import { hash } from 'node:crypto';
import type { LogOutcome } from '@tally/figures';
import { readTopic } from '@tally/platform/kafka';
import { type DeadLetterReason, encodeRecord, recordKey } from '@tally/schemas';
import type { Send } from '@tally/simulator';
import type { ChaosSystem } from './system.ts';

export type MeteredTopic = 'interactions' | 'profiles';

/** What a record that was sent is. */
interface Sent {
  kind: 'interaction' | 'void' | 'profile' | 'malformed';
  /** Of the event or the profile record; of a malformed record the reason it must be given. */
  identity: string;
}

/** Everything there is to know of one partition, by offset. */
export interface ExpectedPartition {
  topic: MeteredTopic;
  partition: number;
  /** The first offset; `outcomes[0]` is its. */
  start: number;
  outcomes: LogOutcome[];
}

export interface ExpectedLog {
  partitions: ExpectedPartition[];
  /** `topic/partition/offset` of what belongs in the dead letters. */
  deadLetters: Map<string, { reason: DeadLetterReason; bytes: string }>;
  records: number;
  /** Records that nobody sent. */
  alien: string[];
}

/** Reads both topics from their beginnings to where they end now. */
export async function expectedOfLog(system: ChaosSystem, stream: Iterable<Send>): Promise<ExpectedLog> {
  const sent = sentByBytes(stream);
  const log: ExpectedLog = { partitions: [], deadLetters: new Map(), records: 0, alien: [] };
  for (const topic of ['interactions', 'profiles'] as const) {
    const partitions = new Map<number, ExpectedPartition>();
    const events = new Map<string, Known>();
    await readTopic(system, system.topics[topic], ({ partition, offset, key, value }) => {
      const place = `${system.topics[topic]}/${partition}/${offset}`;
      const of = partitions.get(partition) ?? { topic, partition, start: Number(offset), outcomes: [] };
      partitions.set(partition, of);
      // Offsets without a record are those of control records.
      while (of.start + of.outcomes.length < Number(offset)) of.outcomes.push('control');
      const bytes = fingerprint(topic, key, value);
      const record = sent.get(bytes);
      log.records++;
      if (!record) log.alien.push(place);
      else if (record.kind === 'malformed') {
        log.deadLetters.set(place, { reason: record.identity as DeadLetterReason, bytes: content(key, value) });
      }
      of.outcomes.push(record ? outcomeOf(record, bytes, events) : 'control');
    });
    log.partitions.push(...[...partitions.values()].sort((a, b) => a.partition - b.partition));
  }
  return log;
}

/** What a dead letter must have kept of its record. */
export function content(key: Buffer | null, value: Buffer | null): string {
  return fingerprint('', key, value);
}

/** What is known of an event: the bytes of its first occurrence, and whether a void of it came. */
interface Known {
  first?: string;
  voided?: boolean;
}

function outcomeOf({ kind, identity }: Sent, bytes: string, events: Map<string, Known>): LogOutcome {
  if (kind === 'malformed') return 'dead-letter';
  if (kind === 'profile') return 'counted';
  const known = events.get(identity) ?? {};
  events.set(identity, known);
  if (kind === 'void') {
    if (known.voided) return 'duplicate';
    known.voided = true;
    return 'void';
  }
  if (known.first !== undefined) return known.first === bytes ? 'duplicate' : 'conflicting';
  known.first = bytes;
  return known.voided ? 'suppressed' : 'counted';
}

function sentByBytes(stream: Iterable<Send>): Map<string, Sent> {
  const sent = new Map<string, Sent>();
  for (const send of stream) {
    if (send.kind === 'raw') {
      const { topic, key, value, reason } = send.raw;
      sent.set(fingerprint(topic, key, value), { kind: 'malformed', identity: reason });
    } else if (send.kind === 'record') {
      const { record } = send;
      const key = recordKey(record);
      const topic = record.schema === 'ProfileRecord' ? 'profiles' : 'interactions';
      const bytes = fingerprint(topic, Buffer.from(key), encodeRecord(record));
      if (record.schema === 'ProfileRecord') sent.set(bytes, { kind: 'profile', identity: key });
      else {
        const kind = record.schema === 'Interaction' ? 'interaction' : 'void';
        sent.set(bytes, { kind, identity: `${key}\n${record.value.eventId}` });
      }
    }
  }
  return sent;
}

function fingerprint(topic: string, key: Buffer | null, value: Buffer | null): string {
  const part = (bytes: Buffer | null): Buffer[] => {
    const length = Buffer.alloc(4);
    length.writeInt32LE(bytes ? bytes.length : -1);
    return bytes ? [length, bytes] : [length];
  };
  return hash('sha1', Buffer.concat([Buffer.from(topic), ...part(key), ...part(value)]), 'base64');
}
