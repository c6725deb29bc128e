/**
 * A block in ClickHouse's Native format, column by column: what the server takes fastest, since it has nothing to sort out.
 */

const TEXT_BYTES_FIRST = 1_024;

/** A column of type String: each value is its length as a varint, then its bytes. */
export class TextColumn {
  #bytes = Buffer.allocUnsafe(TEXT_BYTES_FIRST);
  #length = 0;

  /** Appends the bytes `from` to `to - 1` of another array. */
  append(source: Uint8Array, from: number, to: number): void {
    const bytes = this.#room(to - from);
    let at = this.#writeLength(to - from);
    // Most are shorter than what a call to a native copy takes as long for.
    for (let next = from; next < to; next++) bytes[at++] = source[next] ?? 0;
    this.#length = at;
  }

  appendText(text: string): void {
    const length = Buffer.byteLength(text);
    const bytes = this.#room(length);
    const at = this.#writeLength(length);
    this.#length = at + bytes.write(text, at);
  }

  appendEmpty(): void {
    this.#room(0)[this.#length++] = 0;
  }

  /** All values so far, as they stand in a block. */
  get data(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #writeLength(length: number): number {
    let at = this.#length;
    let rest = length;
    for (; rest >= 0x80; rest >>>= 7) this.#bytes[at++] = (rest & 0x7f) | 0x80;
    this.#bytes[at++] = rest;
    return at;
  }

  /** The bytes, with room for one value of that length. */
  #room(length: number): Buffer {
    const needed = this.#length + length + 5;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    return this.#bytes;
  }
}

export interface NativeColumn {
  name: string;
  /** As the table declares it, or one that ClickHouse casts to that. */
  type: string;
  /** All values in a row, little-endian. */
  data: Uint8Array;
}

/** The bytes of one block, in pieces; nothing is copied. */
export function nativeBlock(rows: number, columns: readonly NativeColumn[]): Uint8Array[] {
  const pieces: Uint8Array[] = [Buffer.concat([varint(columns.length), varint(rows)])];
  for (const { name, type, data } of columns) pieces.push(Buffer.concat([text(name), text(type)]), data);
  return pieces;
}

function text(of: string): Buffer {
  return Buffer.concat([varint(Buffer.byteLength(of)), Buffer.from(of)]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}
