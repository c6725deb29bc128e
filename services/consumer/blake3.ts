/**
 * BLAKE3 of up to 1,024 bytes, the first 128 bits of it. Two hashes an event are a good part of what an event costs here,
 * so the rounds stand written out: the libraries' calls take two to thirty times as long for texts of this length. A test
 * holds it against one of them.
 */

/** More would be a second chunk, which nothing here ever is. */
export const HASHED_BYTES_MAX = 1_024;
export const HASH_BYTES = 16;

const BLOCK_BYTES = 64;
const CHUNK_START = 1;
const CHUNK_END = 2;
const ROOT = 8;
const ROUNDS = 7;
const IV = Int32Array.from([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]);

/** Takes texts byte by byte into `input`, and hashes what lies there. One at a time; nothing is kept between two. */
export class Blake3 {
  /** What is to be hashed, from its start. */
  readonly input: Uint8Array;
  readonly #words: Int32Array;
  readonly #chain = new Int32Array(8);
  readonly #digest = new Uint8Array(this.#chain.buffer, 0, HASH_BYTES);

  constructor() {
    const bytes = new ArrayBuffer(HASHED_BYTES_MAX);
    this.input = new Uint8Array(bytes);
    this.#words = new Int32Array(bytes);
  }

  /** Hashes the first `length` bytes of the input; the 16 bytes are good until the next call. Throws a RangeError. */
  hash(length: number): Uint8Array {
    if (length > HASHED_BYTES_MAX) throw new RangeError(`${length} bytes are more than ${HASHED_BYTES_MAX}`);
    this.#chain.set(IV);
    const last = length === 0 ? 0 : (length - 1) & -BLOCK_BYTES;
    this.input.fill(0, length, last + BLOCK_BYTES);
    let flags = CHUNK_START;
    for (let at = 0; at < last; at += BLOCK_BYTES) {
      compress(this.#chain, this.#words, at >>> 2, BLOCK_BYTES, flags);
      flags = 0;
    }
    compress(this.#chain, this.#words, last >>> 2, length - last, flags | CHUNK_END | ROOT);
    return this.#digest;
  }
}

function word(words: Int32Array, at: number): number {
  return words[at] ?? 0;
}

function compress(chain: Int32Array, words: Int32Array, at: number, length: number, flags: number): void {
  let v0 = word(chain, 0);
  let v1 = word(chain, 1);
  let v2 = word(chain, 2);
  let v3 = word(chain, 3);
  let v4 = word(chain, 4);
  let v5 = word(chain, 5);
  let v6 = word(chain, 6);
  let v7 = word(chain, 7);
  let v8 = word(IV, 0);
  let v9 = word(IV, 1);
  let v10 = word(IV, 2);
  let v11 = word(IV, 3);
  let v12 = 0;
  let v13 = 0;
  let v14 = length;
  let v15 = flags;
  let m0 = word(words, at + 0);
  let m1 = word(words, at + 1);
  let m2 = word(words, at + 2);
  let m3 = word(words, at + 3);
  let m4 = word(words, at + 4);
  let m5 = word(words, at + 5);
  let m6 = word(words, at + 6);
  let m7 = word(words, at + 7);
  let m8 = word(words, at + 8);
  let m9 = word(words, at + 9);
  let m10 = word(words, at + 10);
  let m11 = word(words, at + 11);
  let m12 = word(words, at + 12);
  let m13 = word(words, at + 13);
  let m14 = word(words, at + 14);
  let m15 = word(words, at + 15);
  for (let round = 0; round < ROUNDS; round++) {
    // columns
    v0 = (v0 + v4 + m0) | 0;
    v12 ^= v0;
    v12 = (v12 >>> 16) | (v12 << 16);
    v8 = (v8 + v12) | 0;
    v4 ^= v8;
    v4 = (v4 >>> 12) | (v4 << 20);
    v0 = (v0 + v4 + m1) | 0;
    v12 ^= v0;
    v12 = (v12 >>> 8) | (v12 << 24);
    v8 = (v8 + v12) | 0;
    v4 ^= v8;
    v4 = (v4 >>> 7) | (v4 << 25);
    v1 = (v1 + v5 + m2) | 0;
    v13 ^= v1;
    v13 = (v13 >>> 16) | (v13 << 16);
    v9 = (v9 + v13) | 0;
    v5 ^= v9;
    v5 = (v5 >>> 12) | (v5 << 20);
    v1 = (v1 + v5 + m3) | 0;
    v13 ^= v1;
    v13 = (v13 >>> 8) | (v13 << 24);
    v9 = (v9 + v13) | 0;
    v5 ^= v9;
    v5 = (v5 >>> 7) | (v5 << 25);
    v2 = (v2 + v6 + m4) | 0;
    v14 ^= v2;
    v14 = (v14 >>> 16) | (v14 << 16);
    v10 = (v10 + v14) | 0;
    v6 ^= v10;
    v6 = (v6 >>> 12) | (v6 << 20);
    v2 = (v2 + v6 + m5) | 0;
    v14 ^= v2;
    v14 = (v14 >>> 8) | (v14 << 24);
    v10 = (v10 + v14) | 0;
    v6 ^= v10;
    v6 = (v6 >>> 7) | (v6 << 25);
    v3 = (v3 + v7 + m6) | 0;
    v15 ^= v3;
    v15 = (v15 >>> 16) | (v15 << 16);
    v11 = (v11 + v15) | 0;
    v7 ^= v11;
    v7 = (v7 >>> 12) | (v7 << 20);
    v3 = (v3 + v7 + m7) | 0;
    v15 ^= v3;
    v15 = (v15 >>> 8) | (v15 << 24);
    v11 = (v11 + v15) | 0;
    v7 ^= v11;
    v7 = (v7 >>> 7) | (v7 << 25);
    // diagonals
    v0 = (v0 + v5 + m8) | 0;
    v15 ^= v0;
    v15 = (v15 >>> 16) | (v15 << 16);
    v10 = (v10 + v15) | 0;
    v5 ^= v10;
    v5 = (v5 >>> 12) | (v5 << 20);
    v0 = (v0 + v5 + m9) | 0;
    v15 ^= v0;
    v15 = (v15 >>> 8) | (v15 << 24);
    v10 = (v10 + v15) | 0;
    v5 ^= v10;
    v5 = (v5 >>> 7) | (v5 << 25);
    v1 = (v1 + v6 + m10) | 0;
    v12 ^= v1;
    v12 = (v12 >>> 16) | (v12 << 16);
    v11 = (v11 + v12) | 0;
    v6 ^= v11;
    v6 = (v6 >>> 12) | (v6 << 20);
    v1 = (v1 + v6 + m11) | 0;
    v12 ^= v1;
    v12 = (v12 >>> 8) | (v12 << 24);
    v11 = (v11 + v12) | 0;
    v6 ^= v11;
    v6 = (v6 >>> 7) | (v6 << 25);
    v2 = (v2 + v7 + m12) | 0;
    v13 ^= v2;
    v13 = (v13 >>> 16) | (v13 << 16);
    v8 = (v8 + v13) | 0;
    v7 ^= v8;
    v7 = (v7 >>> 12) | (v7 << 20);
    v2 = (v2 + v7 + m13) | 0;
    v13 ^= v2;
    v13 = (v13 >>> 8) | (v13 << 24);
    v8 = (v8 + v13) | 0;
    v7 ^= v8;
    v7 = (v7 >>> 7) | (v7 << 25);
    v3 = (v3 + v4 + m14) | 0;
    v14 ^= v3;
    v14 = (v14 >>> 16) | (v14 << 16);
    v9 = (v9 + v14) | 0;
    v4 ^= v9;
    v4 = (v4 >>> 12) | (v4 << 20);
    v3 = (v3 + v4 + m15) | 0;
    v14 ^= v3;
    v14 = (v14 >>> 8) | (v14 << 24);
    v9 = (v9 + v14) | 0;
    v4 ^= v9;
    v4 = (v4 >>> 7) | (v4 << 25);
    // the words' places in the next round
    const first0 = m0;
    m0 = m2;
    m2 = m3;
    m3 = m10;
    m10 = m12;
    m12 = m9;
    m9 = m11;
    m11 = m5;
    m5 = first0;
    const first1 = m1;
    m1 = m6;
    m6 = m4;
    m4 = m7;
    m7 = m13;
    m13 = m14;
    m14 = m15;
    m15 = m8;
    m8 = first1;
  }
  chain[0] = v0 ^ v8;
  chain[1] = v1 ^ v9;
  chain[2] = v2 ^ v10;
  chain[3] = v3 ^ v11;
  chain[4] = v4 ^ v12;
  chain[5] = v5 ^ v13;
  chain[6] = v6 ^ v14;
  chain[7] = v7 ^ v15;
}
