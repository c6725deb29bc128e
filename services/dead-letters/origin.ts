/**
 * What names a dead letter: the place of the record that was refused, `topic/partition/offset@epoch`. A crash may put the
 * same one into the dead letters again; its origin tells. Without the epoch, a topic that is recreated would have the same
 * places again; dead letters of before it was noted are named without.
 */
import { TallyError } from '@tally/platform/errors';

export interface Origin {
  topic: string;
  partition: number;
  offset: bigint;
  /** 1 to 255. */
  epoch?: number;
}

const EPOCH_MAX = 255;

/** A topic's name holds no slash. */
const ORIGIN = /^([^/]+)\/(\d{1,10})\/(\d{1,19})(?:@(\d{1,3}))?$/;

/** For people. */
export const ORIGIN_FORM = 'TOPIC/PARTITION/OFFSET[@EPOCH]';

export function originText({ epoch, ...place }: Origin): string {
  return epoch === undefined ? placeText(place) : `${placeText(place)}@${epoch}`;
}

/** Without the epoch: what several dead letters of one topic may share. */
export function placeText({ topic, partition, offset }: Omit<Origin, 'epoch'>): string {
  return `${topic}/${partition}/${offset}`;
}

/** Throws `ORIGIN_INVALID` for a text that is none. */
export function parseOrigin(text: string): Origin {
  const origin = tryOrigin(text);
  if (origin) return origin;
  throw new TallyError(`“${text}” does not name a dead letter: expected ${ORIGIN_FORM}`, {
    code: 'ORIGIN_INVALID',
    retriable: false,
  });
}

/** The same for text that anybody may have written. */
export function tryOrigin(text: string | undefined): Origin | undefined {
  const [, topic, partition, offset, epoch] = ORIGIN.exec(text ?? '') ?? [];
  if (topic === undefined || partition === undefined || offset === undefined) return undefined;
  const place = { topic, partition: Number(partition), offset: BigInt(offset) };
  if (epoch === undefined) return place;
  return isEpoch(Number(epoch)) ? { ...place, epoch: Number(epoch) } : undefined;
}

/** The same for a dead letter's headers; an epoch that is none is left out. */
export function originOf(headers: Readonly<Record<string, string>>): Origin | undefined {
  const place = `${headers['topic']}/${headers['partition']}/${headers['offset']}`;
  return tryOrigin(`${place}@${headers['epoch']}`) ?? tryOrigin(place);
}

function isEpoch(epoch: number): boolean {
  return epoch >= 1 && epoch <= EPOCH_MAX;
}
