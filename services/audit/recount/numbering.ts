/**
 * Numbers whatever it is given, 0, 1, 2 …, the same number for the same bytes. Bytes are known by 128 bits of SHA-256,
 * in typed arrays: about 24 to 48 bytes an entry, and no limit before memory's.
 */
import { hash } from 'node:crypto';

const CAPACITY_FIRST = 1_024;
const WORDS = 4;

export class Numbering {
  #capacity = CAPACITY_FIRST;
  /** The key of each number, four words. */
  #keys = new Uint32Array(CAPACITY_FIRST * WORDS);
  /** Open addressing, at most half full: a number plus one, or 0. */
  #slots = new Uint32Array(CAPACITY_FIRST * 2);
  #size = 0;

  /** How many different ones there have been. */
  get size(): number {
    return this.#size;
  }

  numberOf(bytes: Buffer): number {
    const key = hash('sha256', bytes, 'buffer');
    const [a, b, c, d] = [key.readUInt32LE(0), key.readUInt32LE(4), key.readUInt32LE(8), key.readUInt32LE(12)];
    const keys = this.#keys;
    const mask = this.#slots.length - 1;
    let slot = a & mask;
    for (let held = this.#slots[slot]; held; held = this.#slots[slot]) {
      const at = (held - 1) * WORDS;
      if (keys[at] === a && keys[at + 1] === b && keys[at + 2] === c && keys[at + 3] === d) return held - 1;
      slot = (slot + 1) & mask;
    }
    const number = this.#size++;
    this.#slots[slot] = number + 1;
    keys.set([a, b, c, d], number * WORDS);
    if (this.#size === this.#capacity) this.#grow();
    return number;
  }

  #grow(): void {
    this.#capacity *= 2;
    const keys = new Uint32Array(this.#capacity * WORDS);
    keys.set(this.#keys);
    const slots = new Uint32Array(this.#capacity * 2);
    const mask = slots.length - 1;
    for (let number = 0; number < this.#size; number++) {
      let slot = (keys[number * WORDS] ?? 0) & mask;
      while (slots[slot]) slot = (slot + 1) & mask;
      slots[slot] = number + 1;
    }
    this.#keys = keys;
    this.#slots = slots;
  }
}
