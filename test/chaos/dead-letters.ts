/**
 * The dead letters that are there, beside those that must be.
 */
import { readTopic } from '@tally/platform/kafka';
import { content, type ExpectedLog } from './log-oracle.ts';
import type { ChaosSystem } from './system.ts';

export interface DeadLetterFindings {
  reasons: { reason: string; expected: number; found: number }[];
  /** Dead letters that were sent once more after a crash; their origin tells that they are the same. */
  repeated: number;
  differences: string[];
}

const EXAMPLES_MAX = 10;

/** Compares by origin: every record that cannot count is there with its reason, byte for byte, and no other is. */
export async function compareDeadLetters(
  system: ChaosSystem,
  { deadLetters }: ExpectedLog,
): Promise<DeadLetterFindings> {
  const found = new Map<string, string>();
  const wrong: string[] = [];
  let repeated = 0;
  await readTopic(system, system.topics.deadLetters, ({ headers, key, value }) => {
    const { topic, partition, offset, reason = '' } = headers;
    const origin = `${topic}/${partition}/${offset}`;
    if (found.has(origin)) repeated++;
    found.set(origin, reason);
    const wanted = deadLetters.get(origin);
    if (!wanted) wrong.push(`${origin} is in the dead letters (${reason}) and must not be`);
    else if (wanted.reason !== reason) wrong.push(`${origin} is a dead letter for ${reason}, must be ${wanted.reason}`);
    else if (wanted.bytes !== content(key, value)) wrong.push(`the dead letter of ${origin} has other bytes`);
  });
  const reasons = new Map<string, { reason: string; expected: number; found: number }>();
  const of = (reason: string) => {
    const row = reasons.get(reason) ?? { reason, expected: 0, found: 0 };
    reasons.set(reason, row);
    return row;
  };
  for (const [origin, { reason }] of deadLetters) {
    of(reason).expected++;
    if (!found.has(origin)) wrong.push(`${origin} is not in the dead letters, must be for ${reason}`);
  }
  for (const reason of found.values()) of(reason).found++;
  const sorted = [...reasons.values()].sort((a, b) => b.expected - a.expected);
  const more = wrong.length > EXAMPLES_MAX ? [`and ${wrong.length - EXAMPLES_MAX} more dead letters`] : [];
  return { reasons: sorted, repeated, differences: [...wrong.slice(0, EXAMPLES_MAX), ...more] };
}
