/**
 * Unified people of one environment: the connected groups of records that share an identifier. A union-find over typed
 * arrays; records and identifiers are numbered as they come, so nothing but the numbers is kept of a record.
 */
const CAPACITY_FIRST = 1024;

export class IdentityResolution {
  /** Parent of each record; a root is its own. */
  #parents = new Uint32Array(CAPACITY_FIRST);
  /** The record under which each identifier was first seen. */
  readonly #firstRecord = new Map<string, number>();
  #records = 0;
  #groups = 0;

  /** Adds a record with its identifiers (any text that is equal when they are). */
  add(identifiers: readonly string[]): void {
    const record = this.#newRecord();
    for (const identifier of identifiers) {
      const first = this.#firstRecord.get(identifier);
      if (first === undefined) this.#firstRecord.set(identifier, record);
      else this.#join(first, record);
    }
  }

  get records(): number {
    return this.#records;
  }

  /** Groups so far: the unified people. */
  get people(): number {
    return this.#groups;
  }

  #newRecord(): number {
    const record = this.#records++;
    this.#groups++;
    if (record === this.#parents.length) {
      const larger = new Uint32Array(this.#parents.length * 2);
      larger.set(this.#parents);
      this.#parents = larger;
    }
    this.#parents[record] = record;
    return record;
  }

  #join(a: number, b: number): void {
    const rootA = this.#root(a);
    const rootB = this.#root(b);
    if (rootA === rootB) return;
    this.#parents[Math.max(rootA, rootB)] = Math.min(rootA, rootB);
    this.#groups--;
  }

  #root(record: number): number {
    const parents = this.#parents;
    let at = record;
    for (;;) {
      const parent = parents[at] ?? at;
      if (parent === at) return at;
      // Path halving keeps later walks short.
      parents[at] = parents[parent] ?? parent;
      at = parent;
    }
  }
}
