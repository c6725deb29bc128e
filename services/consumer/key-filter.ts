/**
 * Fingerprints of keys, in memory: what is not here is surely new. Four bytes a key, in a table that is at most four
 * fifths full and grows by half: 5 to 7.5 bytes a key. One of 4,294,967,296 / keys strangers is taken for known, which
 * costs a question to the index and nothing else.
 */

const SLOTS_FIRST = 4_096;
const FULL = 0.8;
const GROWTH = 1.5;
const FINGERPRINTS = 2 ** 32;

export class KeyFilter {
  #slots = new Uint32Array(SLOTS_FIRST);
  #keys = 0;

  /** Distinct fingerprints. */
  get keys(): number {
    return this.#keys;
  }

  get bytes(): number {
    return this.#slots.byteLength;
  }

  /**
   * Adds a fingerprint, 32 bits of a key; true when it was not there.
   * 0 marks a free slot, so it is taken for 1.
   */
  add(fingerprint: number): boolean {
    if (this.#keys >= this.#slots.length * FULL) this.#grow(Math.ceil(this.#slots.length * GROWTH));
    if (!put(this.#slots, fingerprint >>> 0 || 1)) return false;
    this.#keys++;
    return true;
  }

  /** In the order of the slots, which is nearly the order of the fingerprints: memory is walked through, not jumped in. */
  #grow(slots: number): void {
    const larger = new Uint32Array(slots);
    for (const fingerprint of this.#slots) if (fingerprint !== 0) put(larger, fingerprint);
    this.#slots = larger;
  }
}

/** False when it was there. */
function put(slots: Uint32Array, fingerprint: number): boolean {
  const { length } = slots;
  for (let slot = Math.floor((fingerprint / FINGERPRINTS) * length); ; slot = slot + 1 === length ? 0 : slot + 1) {
    const there = slots[slot];
    if (there === fingerprint) return false;
    if (there === 0) {
      slots[slot] = fingerprint;
      return true;
    }
  }
}
