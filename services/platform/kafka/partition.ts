/**
 * Kafka's default partitioner: murmur2 of the key. kafkajs computes it with BigInts; this does the same with 32-bit
 * arithmetic, since the consumer checks every record's place. A test holds the two against each other.
 */
const SEED = 0x9747b28c | 0;
const MIX = 0x5bd1e995;

/** The partition of a key's bytes, 0 to `partitions - 1`. */
export function partitionOf(key: Buffer, partitions: number): number {
  return (murmur2(key, key.length, SEED) & 0x7fffffff) % partitions;
}

/** Of the first `length` bytes; 32 bits, signed. Nobody is kept from making two texts of one hash. */
export function murmur2(bytes: Uint8Array, length: number, seed: number): number {
  const whole = length & ~3;
  let hash = seed ^ length;
  for (let at = 0; at < whole; at += 4) {
    const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
    const high = ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
    let word = Math.imul(low | high, MIX);
    word = Math.imul(word ^ (word >>> 24), MIX);
    hash = Math.imul(hash, MIX) ^ word;
  }
  const left = length - whole;
  if (left >= 3) hash ^= (bytes[whole + 2] ?? 0) << 16;
  if (left >= 2) hash ^= (bytes[whole + 1] ?? 0) << 8;
  if (left >= 1) hash = Math.imul(hash ^ (bytes[whole] ?? 0), MIX);
  hash = Math.imul(hash ^ (hash >>> 13), MIX);
  return hash ^ (hash >>> 15);
}
