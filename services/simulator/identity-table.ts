/**
 * All event identities of a run with what the truth keeps of each, in typed columns of 35 bytes a row and 8 of slots,
 * outside the heap: millions of strings in a Map would take more, and the garbage collector's time as well.
 */

const ROWS_FIRST = 1 << 14;
/** Slots for each row that there is room for: how full the hash table may get is the inverse of it. */
const SLOTS_PER_ROW = 2;

/** Columns that all have one place for each row. */
interface Columns {
  /** The entity's number. */
  entity: Uint32Array;
  hashHigh: Uint32Array;
  hashLow: Uint32Array;
  /** Of the first interaction, milliseconds since 1970. */
  occurredAt: Float64Array;
  /** Numbers that the truth gives to the first interaction's journey, provider, channel and direction. */
  journey: Uint32Array;
  provider: Uint32Array;
  channel: Uint8Array;
  direction: Uint8Array;
  /** Bits: what was seen of this identity. */
  seen: Uint8Array;
}

export class IdentityTable {
  columns: Columns = columnsOf(ROWS_FIRST);
  /** Rows in use: 0 to `size` without `size`. */
  size = 0;
  #room = ROWS_FIRST;
  #slots = new Uint32Array(ROWS_FIRST * SLOTS_PER_ROW);

  /**
   * The row of an event, a new one of zeros when it is unknown. The entity is compared as it is, the event id by 64 bits
   * of hash: among the events of one entity alone, so that even a million of them meet by chance once in 10 million runs.
   */
  rowOf(entity: number, eventId: string): number {
    const [high, low] = [hash(eventId, 0x243f6a88), hash(eventId, 0x85a308d3)];
    const { columns } = this;
    const mask = this.#slots.length - 1;
    for (let slot = this.#home(entity, low); ; slot = (slot + 1) & mask) {
      const taken = this.#slots[slot] ?? 0;
      if (taken === 0) return this.#insert(slot, { entity, high, low });
      const row = taken - 1;
      if (columns.hashLow[row] === low && columns.hashHigh[row] === high && columns.entity[row] === entity) return row;
    }
  }

  #insert(slot: number, identity: { entity: number; high: number; low: number }): number {
    const row = this.size++;
    this.columns.entity[row] = identity.entity;
    this.columns.hashHigh[row] = identity.high;
    this.columns.hashLow[row] = identity.low;
    this.#slots[slot] = row + 1;
    if (this.size === this.#room) this.#grow();
    return row;
  }

  #grow(): void {
    this.#room *= 2;
    const grown = columnsOf(this.#room);
    for (const name of Object.keys(grown) as (keyof Columns)[]) grown[name].set(this.columns[name]);
    this.columns = grown;
    this.#slots = new Uint32Array(this.#room * SLOTS_PER_ROW);
    const mask = this.#slots.length - 1;
    for (let row = 0; row < this.size; row++) {
      let slot = this.#home(grown.entity[row] ?? 0, grown.hashLow[row] ?? 0);
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = row + 1;
    }
  }

  #home(entity: number, hashLow: number): number {
    return (hashLow ^ Math.imul(entity, 0x9e3779b1)) & (this.#slots.length - 1);
  }
}

function columnsOf(rows: number): Columns {
  return {
    entity: new Uint32Array(rows),
    hashHigh: new Uint32Array(rows),
    hashLow: new Uint32Array(rows),
    occurredAt: new Float64Array(rows),
    journey: new Uint32Array(rows),
    provider: new Uint32Array(rows),
    channel: new Uint8Array(rows),
    direction: new Uint8Array(rows),
    seen: new Uint8Array(rows),
  };
}

/** Murmur3's mixing over UTF-16 units: unsigned 32 bits, independent for different seeds. */
function hash(text: string, seed: number): number {
  let mixed = seed;
  for (let at = 0; at < text.length; at++) {
    const unit = Math.imul(text.charCodeAt(at), 0xcc9e2d51);
    mixed ^= Math.imul((unit << 15) | (unit >>> 17), 0x1b873593);
    mixed = (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
  }
  mixed ^= text.length;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
