/**
 * Where Kafka's default partitioner puts a key: MurmurHash2 (32 bits, little-endian, seed 9747b28c), its sign bit
 * dropped, modulo the partitions.
 */
const SEED = 0x9747b28c;
const M = 0x5bd1e995;

export function partitionFor(key: Buffer, partitions: number): number {
  let h = SEED ^ key.length;
  let at = 0;
  for (; at + 4 <= key.length; at += 4) h = Math.imul(h, M) ^ scramble(key.readUInt32LE(at));
  if (at < key.length) {
    const rest = key.readUIntLE(at, key.length - at);
    h = Math.imul(h ^ rest, M);
  }
  h = Math.imul(h ^ (h >>> 13), M);
  h ^= h >>> 15;
  return (h & 0x7fffffff) % partitions;
}

function scramble(word: number): number {
  const k = Math.imul(word, M);
  return Math.imul(k ^ (k >>> 24), M);
}
