/**
 * What the consumer would say of a dead letter if it came again now: asked of the consumer's own rules.
 */
import { decodeEvent, decodeProfile } from '@tally/consumer';
import { partitionOf } from '@tally/platform/kafka';
import { decodeRecord, type Fault, type NewerVersions, type ProfileRecord, recordKey } from '@tally/schemas';
import type { Letter, LetterContent } from './letters.ts';

export interface JudgeOptions {
  /** Give it the key its content asks for. */
  rekey: boolean;
  kind: 'interactions' | 'profiles';
  /** Of the topic it would go to. */
  partitions: number;
  /** Versions of schemas that others have announced. */
  newer?: NewerVersions | undefined;
  /** The broker's time if it came now, milliseconds UTC. */
  now: number;
}

export type Verdict = { key: Buffer | null } & (
  | { ok: true; eventKey?: Buffer; kind: 'interaction' | 'void' | 'profile'; profile?: ProfileRecord }
  | { ok: false; fault: Fault }
);

/** Pure. The key is the one it would be sent under; Kafka's default partitioner places it. */
export function judge(content: Pick<LetterContent, 'key' | 'value'>, options: JudgeOptions): Verdict {
  const key = options.rekey ? keyAskedFor(content, options.newer) : content.key;
  const partition = key === null ? 0 : partitionOf(key, options.partitions);
  const record = { offset: 0, key, value: content.value, timestamp: options.now };
  const place = { kind: options.kind, epoch: 0, partition, partitions: options.partitions, newer: options.newer };
  if (options.kind === 'profiles') {
    const decoded = decodeProfile(record, place);
    if (!decoded.ok) return { key, ok: false, fault: decoded.fault };
    return { key, ok: true, kind: 'profile', profile: decoded.record };
  }
  const decoded = decodeEvent(record, place, 0n);
  if (!decoded.ok) return { key, ok: false, fault: decoded.fault };
  return { key, ok: true, kind: decoded.event.kind, eventKey: decoded.event.eventKey };
}

/** Which of the metered topics it comes from, if any. */
export function kindOf(
  { topic }: Pick<Letter, 'topic'>,
  topics: { interactions: string; profiles: string },
): JudgeOptions['kind'] | undefined {
  if (topic === topics.interactions) return 'interactions';
  return topic === topics.profiles ? 'profiles' : undefined;
}

function keyAskedFor({ key, value }: Pick<LetterContent, 'key' | 'value'>, newer?: NewerVersions): Buffer | null {
  const decoded = decodeRecord(value, newer);
  return decoded.ok ? Buffer.from(recordKey(decoded.record)) : key;
}
