/**
 * Writes rows in ClickHouse's RowBinary format into one growing buffer: little-endian numbers, strings behind their
 * length as a varint.
 */
export class RowBinaryWriter {
  #buffer: Buffer;
  #at = 0;

  constructor(bytesExpected: number) {
    this.#buffer = Buffer.allocUnsafe(Math.max(bytesExpected, 1024));
  }

  /** What was written so far; valid until the next write. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  int8(value: number): void {
    this.#room(1);
    this.#at = this.#buffer.writeInt8(value, this.#at);
  }

  uint64(value: bigint): void {
    this.#room(8);
    this.#at = this.#buffer.writeBigUInt64LE(value, this.#at);
  }

  /** A whole number that fits a double; for DateTime64 and Int64 columns. */
  int64(value: number): void {
    this.#room(8);
    const high = Math.floor(value / 2 ** 32);
    this.#at = this.#buffer.writeUInt32LE(value - high * 2 ** 32, this.#at);
    this.#at = this.#buffer.writeInt32LE(high, this.#at);
  }

  /** Bytes of a fixed-width column, as they are. */
  fixed(bytes: Buffer): void {
    this.#room(bytes.length);
    this.#at += bytes.copy(this.#buffer, this.#at);
  }

  string(value: string): void {
    const bytes = Buffer.byteLength(value);
    this.#varint(bytes);
    this.#room(bytes);
    this.#at += this.#buffer.write(value, this.#at);
  }

  array<Item>(items: readonly Item[], write: (item: Item) => void): void {
    this.#varint(items.length);
    for (const item of items) write(item);
  }

  #varint(value: number): void {
    this.#room(5);
    let left = value;
    for (; left > 127; left >>>= 7) this.#buffer[this.#at++] = (left & 127) | 128;
    this.#buffer[this.#at++] = left;
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + bytes));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}
