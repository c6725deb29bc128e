/**
 * Mutated values through the decoder and the consumer's first step. Each must come to a record or to a named reason; a
 * record must survive being written and read again.
 */
import { isDeepStrictEqual } from 'node:util';
import { partitionOf } from '@tally/platform/kafka';
import {
  DEAD_LETTER_REASONS,
  type Decoded,
  decodeRecord,
  encodeRecord,
  recordKey,
  type TallyRecord,
} from '@tally/schemas';
// The consumer offers no door to a single step of its own; this is the step as it runs.
import { decodeEvent, decodeProfile, type Place } from '../../services/consumer/decode.ts';
import { goldenValues, mutatedValue } from './avro-mutations.ts';
import { Random } from './random.ts';

export interface DecoderCounts {
  values: number;
  /** Outcomes of the decoder: `record`, or a reason. */
  decoder: Record<string, number>;
  /** Outcomes of the consumer's step on both topics. */
  consumer: Record<string, number>;
  slowestMs: number;
  slowestItem: number;
}

/** An item that came to no outcome, with what is needed to see it again. */
export class FuzzFinding extends Error {
  override readonly name = 'FuzzFinding';

  constructor(what: string, seed: number, item: number, bytes: Buffer, cause?: unknown) {
    super(`${what}: seed ${seed}, item ${item}, bytes ${bytes.toString('hex')}`, { cause });
  }
}

const PARTITIONS = 8;
const NOW = Date.UTC(2026, 0, 2);
/** avsc reads numbers as doubles; beyond this a time is out of any range that counts. */
const EXACT_MIN = -(2 ** 52);

const corpus = goldenValues();

/** The value of an item: the same seed and number, the same bytes. */
export function mutationOf(seed: number, item: number): Buffer {
  return mutatedValue(new Random(seed, item), corpus);
}

/** Decodes items `from` to `to - 1`. Throws FuzzFinding. `onItem` is told of each before it is tried. */
export function fuzzDecoder(
  seed: number,
  { from, to, onItem }: { from: number; to: number; onItem?: (item: number) => void },
): DecoderCounts {
  const counts: DecoderCounts = { values: 0, decoder: {}, consumer: {}, slowestMs: 0, slowestItem: from };
  for (let item = from; item < to; item++) {
    onItem?.(item);
    const value = mutationOf(seed, item);
    const beganAt = performance.now();
    tryItem(seed, item, value, counts);
    const ms = performance.now() - beganAt;
    if (ms > counts.slowestMs) Object.assign(counts, { slowestMs: ms, slowestItem: item });
    counts.values++;
  }
  return counts;
}

function tryItem(seed: number, item: number, value: Buffer, counts: DecoderCounts): void {
  const before = Buffer.from(value);
  try {
    const decoded = decodeRecord(value);
    add(counts.decoder, outcomeOf(decoded));
    if (decoded.ok) survives(decoded.record, value);
    for (const outcome of consume(value, decoded, new Random(seed ^ 0x5bd1e995, item))) add(counts.consumer, outcome);
  } catch (error) {
    throw new FuzzFinding('no outcome', seed, item, before, error);
  }
  if (!before.equals(value)) throw new FuzzFinding('the decoder changed its input', seed, item, before);
}

function outcomeOf(result: Decoded | ReturnType<typeof decodeEvent> | ReturnType<typeof decodeProfile>): string {
  if (result.ok) return 'record';
  const { reason, detail } = result.fault;
  if (!Object.hasOwn(DEAD_LETTER_REASONS, reason)) throw new Error(`unknown reason ${reason}`);
  if (detail === '') throw new Error(`no detail for ${reason}`);
  return reason;
}

function survives(record: TallyRecord, value: Buffer): void {
  // A replacement character that was not written stands for bytes that were no text: two ids could have become one.
  if (JSON.stringify(record).split('\ufffd').length > value.toString('latin1').split('\xef\xbf\xbd').length) {
    throw new Error('text was made of bytes that are none');
  }
  const again = decodeRecord(encodeRecord(record));
  if (again.ok && isDeepStrictEqual(again.record, record)) return;
  if (timeOf(record) >= EXACT_MIN) throw new Error('a record is another one after it was written and read again');
}

function timeOf(record: TallyRecord): number {
  switch (record.schema) {
    case 'Interaction':
      return record.value.occurredAt;
    case 'InteractionVoided':
      return record.value.voidedAt;
    case 'ProfileRecord':
      return record.value.changedAt;
  }
}

/** The consumer's step on both topics: mostly under the right key and on its partition, else it would get no further. */
function consume(value: Buffer, decoded: Decoded, random: Random): string[] {
  const right = decoded.ok ? Buffer.from(recordKey(decoded.record)) : Buffer.from('contoso/prod/contact/c-1');
  const key = random.chance(0.9)
    ? right
    : random.pick([null, Buffer.alloc(0), random.bytes(20), Buffer.concat([right, right])]);
  const home = key === null || key.length === 0 ? 0 : partitionOf(key, PARTITIONS);
  const partition = random.chance(0.95) ? home : random.int(PARTITIONS);
  const record = { offset: random.bits(), key, value, timestamp: NOW };
  const place = { epoch: 1, partition, partitions: PARTITIONS };
  return [
    outcomeOf(decodeEvent(record, { ...place, kind: 'interactions' } satisfies Place, BigInt(record.offset))),
    outcomeOf(decodeProfile(record, { ...place, kind: 'profiles' } satisfies Place)),
  ];
}

function add(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
