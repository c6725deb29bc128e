import fc from 'fast-check';
import { blake3 } from 'hash-wasm';
import { expect, it } from 'vitest';
import { Blake3, HASHED_BYTES_MAX } from './blake3.ts';

const hasher = new Blake3();

function hashed(bytes: Uint8Array): string {
  hasher.input.set(bytes);
  return Buffer.from(hasher.hash(bytes.length)).toString('hex');
}

it.each([0, 1, 3, 4, 55, 63, 64, 65, 127, 128, 129, 192, 1_023, HASHED_BYTES_MAX])(
  'is the first half of BLAKE3 for %i bytes',
  async (length) => {
    const bytes = Uint8Array.from({ length }, (_, at) => (at * 131) % 251);
    expect(hashed(bytes)).toBe((await blake3(bytes)).slice(0, 32));
  },
);

it('is so for any bytes, whatever was hashed before', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: HASHED_BYTES_MAX }), async (bytes) => {
      expect(hashed(bytes)).toBe((await blake3(bytes)).slice(0, 32));
    }),
    { numRuns: 500 },
  );
});

it('takes no more than one chunk', () => {
  expect(() => hasher.hash(HASHED_BYTES_MAX + 1)).toThrow(RangeError);
});
