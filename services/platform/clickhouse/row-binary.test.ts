import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RowBinaryWriter } from './row-binary.ts';

function written(write: (to: RowBinaryWriter) => void, bytesExpected = 0): string {
  const to = new RowBinaryWriter(bytesExpected);
  write(to);
  return to.bytes().toString('hex');
}

describe('RowBinaryWriter', () => {
  it.each([
    [0, '00'],
    [1, '01'],
    [127, '7f'],
    [-1, 'ff'],
    [-128, '80'],
  ])('writes Int8 %i', (value, hex) => {
    expect(written((to) => to.int8(value))).toBe(hex);
  });

  it.each([
    [0n, '0000000000000000'],
    [1n, '0100000000000000'],
    [2n ** 40n - 1n, 'ffffffffff000000'],
    [2n ** 63n, '0000000000000080'],
    [2n ** 64n - 1n, 'ffffffffffffffff'],
  ])('writes UInt64 %i', (value, hex) => {
    expect(written((to) => to.uint64(value))).toBe(hex);
  });

  it.each([
    [0, '0000000000000000'],
    [-0, '0000000000000000'],
    [1, '0100000000000000'],
    [-1, 'ffffffffffffffff'],
    [2 ** 31, '0000008000000000'],
    [2 ** 32 - 1, 'ffffffff00000000'],
    [2 ** 32, '0000000001000000'],
    [-(2 ** 32), '00000000ffffffff'],
    [-(2 ** 32) - 1, 'fffffffffeffffff'],
    [1_767_225_600_000, '00a8da769b010000'],
    [Number.MAX_SAFE_INTEGER, 'ffffffffffff1f00'],
    [Number.MIN_SAFE_INTEGER, '010000000000e0ff'],
  ])('writes Int64 %i', (value, hex) => {
    expect(written((to) => to.int64(value))).toBe(hex);
  });

  it('writes any whole number as Int64', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        const bytes = Buffer.from(
          written((to) => to.int64(value)),
          'hex',
        );
        expect(bytes.readBigInt64LE()).toBe(BigInt(value));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['', '00'],
    ['a', '0161'],
    ['é', '02c3a9'],
    ['🧑', '04f09fa791'],
    ['a\u0000b', '03610062'],
  ])('writes the string %j behind its length in bytes', (value, hex) => {
    expect(written((to) => to.string(value))).toBe(hex);
  });

  it.each([
    [127, '7f'],
    [128, '8001'],
    [300, 'ac02'],
    [16_383, 'ff7f'],
    [16_384, '808001'],
    [2_097_152, '80808001'],
  ])('writes a string of %i bytes behind its length as a varint', (length, varint) => {
    expect(written((to) => to.string('x'.repeat(length)))).toBe(varint + '78'.repeat(length));
  });

  it('counts bytes, not characters, for a string’s length', () => {
    expect(written((to) => to.string('é'.repeat(64)))).toBe(`8001${'c3a9'.repeat(64)}`);
  });

  it('writes bytes of a fixed width as they are', () => {
    expect(written((to) => to.fixed(Buffer.from('00ff10', 'hex')))).toBe('00ff10');
  });

  it('writes an array behind its number of items', () => {
    expect(written((to) => to.array([], () => undefined))).toBe('00');
    expect(written((to) => to.array(['a', 'bc'], (item) => to.string(item)))).toBe('02' + '0161' + '026263');
    expect(
      written((to) =>
        to.array(
          Array.from({ length: 200 }, () => 1),
          (item) => to.int8(item),
        ),
      ),
    ).toBe(`c801${'01'.repeat(200)}`);
  });

  it('grows as it must, and the bytes are the same', () => {
    const part = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 3_000 }).map((text) => (to: RowBinaryWriter) => to.string(text)),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => (to: RowBinaryWriter) => to.uint64(value)),
      fc.maxSafeInteger().map((value) => (to: RowBinaryWriter) => to.int64(value)),
      fc.integer({ min: -128, max: 127 }).map((value) => (to: RowBinaryWriter) => to.int8(value)),
      fc.uint8Array({ maxLength: 3_000 }).map((bytes) => (to: RowBinaryWriter) => to.fixed(Buffer.from(bytes))),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 40 }), (parts) => {
        const apart = parts.map((write) => written(write)).join('');
        const write = (to: RowBinaryWriter): void => {
          for (const one of parts) one(to);
        };
        expect(written(write, 0)).toBe(apart);
        expect(written(write, apart.length)).toBe(apart);
      }),
    );
  });

  it('gives the bytes so far, and goes on', () => {
    const to = new RowBinaryWriter(0);
    expect(to.bytes()).toHaveLength(0);
    to.int8(1);
    expect(to.bytes().toString('hex')).toBe('01');
    to.int8(2);
    expect(to.bytes().toString('hex')).toBe('0102');
  });
});
