/**
 * A list of 32-bit numbers that grows: four bytes each, in one typed array.
 */
const CAPACITY_FIRST = 1_024;
/** Smaller than two, since old and new are there at once while the numbers are copied. */
const GROWTH = 1.5;

export class UintList {
  #items = new Uint32Array(CAPACITY_FIRST);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** What stands at an index below the length. */
  at(index: number): number {
    return this.#items[index] ?? 0;
  }

  set(index: number, value: number): void {
    this.#items[index] = value;
  }

  push(value: number): void {
    if (this.#length === this.#items.length) {
      const larger = new Uint32Array(Math.ceil(this.#items.length * GROWTH));
      larger.set(this.#items);
      this.#items = larger;
    }
    this.#items[this.#length++] = value;
  }
}
