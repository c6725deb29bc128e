/**
 * Kafka's default partitioner: murmur2 of the key. kafkajs computes it with BigInts; this does the same with 32-bit
 * arithmetic, since the consumer checks every record's place. A test holds the two against each other.
 */
const SEED = 0x9747b28c;
const MIX = 0x5bd1e995;

/** The partition of a key's bytes, 0 to `partitions - 1`. */
export function partitionOf(key: Buffer, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}

function murmur2(bytes: Buffer): number {
  const length = bytes.length;
  const whole = length & ~3;
  let hash = SEED ^ length;
  for (let at = 0; at < whole; at += 4) {
    let word = Math.imul(bytes.readInt32LE(at), MIX);
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
