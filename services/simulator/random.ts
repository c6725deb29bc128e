/**
 * The one source of chance in the simulator: sfc32 (Chris Doty-Humphrey's "small fast counter", 128 bits of state),
 * seeded and nothing else, so that the same seed gives the same events on every machine.
 */
import { scramble } from './hash.ts';

/** Rounds that sfc32 asks for after seeding, until the seed's bits have spread. */
const WARM_UP_ROUNDS = 12;

export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /**
   * @param seed any safe integer
   * @param stream parts of the simulator draw from streams of their own, so that one more draw in one part leaves the
   * others as they were
   */
  constructor(seed: number, stream = 0) {
    this.#a = seed | 0;
    this.#b = Math.floor(seed / 2 ** 32) | 0;
    this.#c = scramble(stream + 1) | 0;
    for (let round = 0; round < WARM_UP_ROUNDS; round++) this.#bits();
  }

  /** A number from 0 to 1, without 1. */
  next(): number {
    return this.#bits() / 2 ** 32;
  }

  /** A whole number from 0 to `end`, without `end`, which is at most 2^32. */
  int(end: number): number {
    return Math.floor(this.next() * end);
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of the items, each as likely as the others. Throws RangeError when there is none. */
  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.int(items.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }

  /** One of the items, each as likely as its weight. Throws RangeError when there is none. */
  weighted<Item>(items: readonly (readonly [Item, number])[]): Item {
    let rest = this.next() * items.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [item, weight] of items) {
      rest -= weight;
      if (rest < 0) return item;
    }
    const last = items.at(-1);
    if (last === undefined) throw new RangeError('nothing to pick from');
    return last[0];
  }

  #bits(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }
}
