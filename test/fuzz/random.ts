/**
 * Chance for fuzzing. Every item has a source of its own, made of the run's seed and the item's number, so that one item
 * can be made again without those before it.
 */
export class Random {
  #state: number;

  /** @param seed of the run @param item its number */
  constructor(seed: number, item: number) {
    this.#state = Math.imul(seed | 0, 0x9e3779b1) ^ Math.imul((item + 1) | 0, 0x85ebca6b);
    this.bits();
    this.bits();
  }

  /** 32 bits, as splitmix32 makes them. */
  bits(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  }

  /** A whole number from 0 to `end`, without `end`. */
  int(end: number): number {
    return Math.floor((this.bits() / 2 ** 32) * end);
  }

  chance(probability: number): boolean {
    return this.bits() / 2 ** 32 < probability;
  }

  /** One of some; throws when there are none. */
  pick<Item>(items: readonly Item[]): Item {
    const index = this.int(items.length);
    if (index >= items.length) throw new Error('nothing to pick from');
    return items[index] as Item;
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let at = 0; at < length; at++) bytes[at] = this.bits();
    return bytes;
  }
}
