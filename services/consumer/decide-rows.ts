/**
 * Step 2 for all rows of an insert. Most keys are there once and in no index: what becomes of their rows needs no asking,
 * and nothing is made of them. Only the others go through first-occurrence.ts.
 */
import { type EventColumns, ROW_KIND } from './event-columns.ts';
import { decide, type KnownKeys, keyName } from './first-occurrence.ts';
import { KEY_BYTES } from './hash.ts';

const KEY_WORDS = KEY_BYTES / 4;
/** Slots of the table for each row. */
const SPARSENESS = 2;

/**
 * Decides every row that holds an event; those of one key stand in the order of their positions.
 * @param known what the index says of the keys that it was asked for
 * @param surelyNew by row: not 0 where the index need not be asked
 */
export function decideRows(columns: EventColumns, known: KnownKeys, surelyNew: Uint8Array): void {
  const repeated = repeatedKeys(columns);
  const { kinds } = columns;
  for (let row = 0; row < columns.rows; row++) {
    const kind = kinds[row];
    if (kind === ROW_KIND.empty) continue;
    if (repeated[row] !== 0 || (surelyNew[row] === 0 && known.has(keyName(keyOf(columns, row))))) {
      const { outcome, takesBack } = decide(columns.occurrence(row), known);
      columns.decide(row, outcome, takesBack);
    } else columns.decide(row, kind === ROW_KIND.void ? 'void' : 'counted');
  }
}

/** The keys of the rows that hold an event and are not surely new, in a row. */
export function keysToAsk(columns: EventColumns, surelyNew: Uint8Array): Buffer {
  const { kinds, eventKeys } = columns;
  const asked = Buffer.allocUnsafe(eventKeys.length);
  let length = 0;
  for (let row = 0; row < columns.rows; row++) {
    if (kinds[row] === ROW_KIND.empty || surelyNew[row] !== 0) continue;
    asked.set(eventKeys.subarray(row * KEY_BYTES, (row + 1) * KEY_BYTES), length);
    length += KEY_BYTES;
  }
  return asked.subarray(0, length);
}

function keyOf(columns: EventColumns, row: number): Buffer {
  const keys = columns.eventKeys;
  return Buffer.from(keys.buffer, keys.byteOffset + row * KEY_BYTES, KEY_BYTES);
}

/** By row: 1 where another row has the same key. */
function repeatedKeys({ rows, kinds, eventKeys }: EventColumns): Uint8Array {
  const words = new Int32Array(eventKeys.buffer, eventKeys.byteOffset, rows * KEY_WORDS);
  const repeated = new Uint8Array(rows);
  const mask = 2 ** Math.ceil(Math.log2(rows * SPARSENESS + 1)) - 1;
  // A row's number plus one; keys are hashes already, so any of their bits spread them.
  const slots = new Int32Array(mask + 1);
  for (let row = 0; row < rows; row++) {
    if (kinds[row] === ROW_KIND.empty) continue;
    for (let slot = (words[row * KEY_WORDS] ?? 0) & mask; ; slot = (slot + 1) & mask) {
      const other = (slots[slot] ?? 0) - 1;
      if (other < 0) {
        slots[slot] = row + 1;
        break;
      }
      if (isSameKey(words, row, other)) {
        repeated[row] = 1;
        repeated[other] = 1;
        break;
      }
    }
  }
  return repeated;
}

function isSameKey(words: Int32Array, one: number, other: number): boolean {
  for (let word = 0; word < KEY_WORDS; word++) {
    if (words[one * KEY_WORDS + word] !== words[other * KEY_WORDS + word]) return false;
  }
  return true;
}
