/**
 * Source records as ClickHouse streams them: of each the keys of its identifiers, 16 bytes each, then an end mark, then
 * its log position and whether it is deleted. And where reading them got to.
 */
import type { ClickHouse, Params } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';

/** Told of the records as they come: of each its identifiers, if any, and then its end. */
export interface RecordReader {
  /** 128 bits in four words, the lowest first. */
  identifier: (a: number, b: number, c: number, d: number) => void;
  /** The position's upper and lower 32 bits. A deleted record has no identifiers. */
  endRecord: (upper: number, lower: number, deleted: boolean) => void;
}

const KEY_BYTES = 16;
const END_WORD = 0xffff_ffff;
const END_MARK = `toUInt128('${2n ** 128n - 1n}')`;

/** The bytes of a record as an expression over its state. */
export function recordBytes(of: { keys: string; position: string; deleted: string }): string {
  const tail = `bitOr(toUInt128(${of.position}), bitShiftLeft(toUInt128(${of.deleted}), 64))`;
  return `reinterpret(arrayConcat(if(${of.deleted} = 1, [], ${of.keys}), [${END_MARK}, ${tail}]), 'String')`;
}

/** The keys of the kinds that join, over expressions of all keys and kinds; where every kind joins, kinds are not read. */
export function joiningKeys(
  kinds: readonly string[] | null,
  of = { keys: 'identifier_keys', kinds: 'identifier_kinds' },
) {
  if (kinds === null) return { sql: of.keys, params: {} };
  return {
    sql: `arrayFilter((key, kind) -> has({kinds:Array(String)}, kind), ${of.keys}, ${of.kinds})`,
    params: { kinds: [...kinds] },
  };
}

/** Reads the records of a query whose only column is made by `recordBytes`. Throws `CLICKHOUSE_ANSWER_CUT`. */
export async function readRecords(
  clickhouse: ClickHouse,
  { sql, params }: { sql: string; params: Params },
  into: RecordReader,
): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  let ending = false;
  for await (const chunk of clickhouse.streamRaw(sql, params)) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const whole = bytes.length - (bytes.length % KEY_BYTES);
    for (let at = 0; at < whole; at += KEY_BYTES) {
      const a = bytes.readUInt32LE(at);
      const b = bytes.readUInt32LE(at + 4);
      const c = bytes.readUInt32LE(at + 8);
      const d = bytes.readUInt32LE(at + 12);
      if (ending) {
        into.endRecord(b, a, c === 1);
        ending = false;
      } else if (a === END_WORD && b === END_WORD && c === END_WORD && d === END_WORD) ending = true;
      else into.identifier(a, b, c, d);
    }
    rest = bytes.subarray(whole);
  }
  if (rest.length === 0 && !ending) return;
  throw new TallyError('a record came in part', { code: 'CLICKHOUSE_ANSWER_CUT', retriable: true });
}

/**
 * The highest position read of each partition. Within a partition rows are written in the order of the log, so everything
 * up to there was read, and nothing behind it.
 */
export class ReadUpTo {
  /** Epoch and partition in one number → offset. */
  readonly #offsets = new Map<number, number>();

  /** A position's upper and lower 32 bits. */
  note(upper: number, lower: number): void {
    const place = upper >>> PLACE_SHIFT;
    const offset = (upper % UPPER_OF_OFFSET) * 2 ** 32 + lower;
    if (offset > (this.#offsets.get(place) ?? -1)) this.#offsets.set(place, offset);
  }

  /** As positions of 64 bits, in decimal digits, ascending. */
  positions(): string[] {
    return [...this.#offsets]
      .sort(([a], [b]) => a - b)
      .map(([place, offset]) => String((BigInt(place) << OFFSET_BITS) | BigInt(offset)));
  }
}

/** A position is epoch (8 bits), partition (16 bits), offset (40 bits). */
const OFFSET_BITS = 40n;
const PLACE_SHIFT = 8;
const UPPER_OF_OFFSET = 2 ** 8;
