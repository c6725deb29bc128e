import fc from 'fast-check';
import kafkajs from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { partitionOf } from './partition.ts';

const kafkaPartitioner = kafkajs.Partitioners.DefaultPartitioner();

/** Where Kafka's default partitioner puts a key. */
function byKafka(key: Buffer, partitions: number): number {
  const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
    partitionId,
    leader: 1,
    partitionErrorCode: 0,
    replicas: [1],
    isr: [1],
    offlineReplicas: [],
  }));
  return kafkaPartitioner({ topic: 't', partitionMetadata, message: { key, value: null } });
}

describe('partitionOf', () => {
  it('puts every key where Kafka’s default partitioner puts it', () => {
    const keys = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(keys, fc.integer({ min: 1, max: 500 }), (key, partitions) => {
        expect(partitionOf(key, partitions)).toBe(byKafka(key, partitions));
      }),
      { numRuns: 5_000 },
    );
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9])('does so for %i bytes with the highest bit set', (length) => {
    const key = Buffer.alloc(length, 0xff);
    expect(partitionOf(key, 997)).toBe(byKafka(key, 997));
  });

  it('reads a key that lies within a larger buffer', () => {
    const around = Buffer.from('..contoso/prod/contact/c-1..');
    const key = Buffer.from('contoso/prod/contact/c-1');
    expect(partitionOf(around.subarray(2, -2), 97)).toBe(partitionOf(key, 97));
  });

  // The hashes that the Java client's own tests name.
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ])('agrees with the Java client on %s', (text, hash) => {
    for (const partitions of [1, 8, 12, 2 ** 31 - 1]) {
      expect(partitionOf(Buffer.from(text), partitions)).toBe((hash & 0x7fffffff) % partitions);
    }
  });

  it('spreads keys over all partitions', () => {
    const used = new Set(Array.from({ length: 1_000 }, (_, id) => partitionOf(Buffer.from(`t/e/contact/${id}`), 64)));
    expect(used.size).toBe(64);
  });
});
