/**
 * What names a dead letter: the place of the record that was refused, `topic/partition/offset`. A crash may put the same
 * one into the dead letters again; its origin tells.
 */
import { TallyError } from '@tally/platform/errors';

export interface Origin {
  topic: string;
  partition: number;
  offset: bigint;
}

/** A topic's name holds no slash. */
const ORIGIN = /^([^/]+)\/(\d{1,10})\/(\d{1,19})$/;

export function originText({ topic, partition, offset }: Origin): string {
  return `${topic}/${partition}/${offset}`;
}

/** Throws `ORIGIN_INVALID` for a text that is none. */
export function parseOrigin(text: string): Origin {
  const origin = tryOrigin(text);
  if (origin) return origin;
  throw new TallyError(`“${text}” does not name a dead letter: expected TOPIC/PARTITION/OFFSET`, {
    code: 'ORIGIN_INVALID',
    retriable: false,
  });
}

/** The same for text that anybody may have written. */
export function tryOrigin(text: string | undefined): Origin | undefined {
  const [, topic, partition, offset] = ORIGIN.exec(text ?? '') ?? [];
  if (topic === undefined || partition === undefined || offset === undefined) return undefined;
  return { topic, partition: Number(partition), offset: BigInt(offset) };
}
