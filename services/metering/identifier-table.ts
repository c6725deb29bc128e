/**
 * Numbers identifiers 0, 1, 2 … as they come. An identifier is known by all 128 bits of its key: fewer could join people
 * who have nothing in common. Open addressing over typed arrays; 24 to 36 bytes an identifier.
 */
import { UintList } from './uint-list.ts';

const SLOTS_FIRST = 2_048;

export class IdentifierTable {
  /** A number plus one, or 0 where nothing is; a power of two, at most half full. */
  #slots = new Uint32Array(SLOTS_FIRST);
  /** A list for each word of the keys. */
  readonly #a = new UintList();
  readonly #b = new UintList();
  readonly #c = new UintList();
  readonly #d = new UintList();

  /** The number of a key, given as four unsigned words; a new key gets the next number. */
  numberOf(a: number, b: number, c: number, d: number): number {
    const mask = this.#slots.length - 1;
    let slot = hashOf(a, b, c, d) & mask;
    for (let held = this.#slots[slot]; held; held = this.#slots[slot]) {
      const number = held - 1;
      if (
        this.#a.at(number) === a &&
        this.#b.at(number) === b &&
        this.#c.at(number) === c &&
        this.#d.at(number) === d
      ) {
        return number;
      }
      slot = (slot + 1) & mask;
    }
    const number = this.#a.length;
    this.#a.push(a);
    this.#b.push(b);
    this.#c.push(c);
    this.#d.push(d);
    this.#slots[slot] = number + 1;
    if (2 * (number + 1) > this.#slots.length) this.#grow();
    return number;
  }

  /** The key of a number that was given. */
  keyOf(number: number): bigint {
    const words = [this.#d, this.#c, this.#b, this.#a].map((list) => list.at(number));
    return words.reduce((key, word) => (key << 32n) | BigInt(word), 0n);
  }

  #grow(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let number = 0; number < this.#a.length; number++) {
      let slot = hashOf(this.#a.at(number), this.#b.at(number), this.#c.at(number), this.#d.at(number)) & mask;
      while (slots[slot]) slot = (slot + 1) & mask;
      slots[slot] = number + 1;
    }
    this.#slots = slots;
  }
}

/** Keys are hashes already; the mixing keeps those apart that are not, in tests. */
function hashOf(a: number, b: number, c: number, d: number): number {
  let mixed = Math.imul(a, 0x9e37_79b1);
  mixed = Math.imul(mixed ^ (mixed >>> 15) ^ b, 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13) ^ c, 0xc2b2_ae35);
  mixed = Math.imul(mixed ^ (mixed >>> 16) ^ d, 0x27d4_eb2d);
  return mixed ^ (mixed >>> 15);
}
