import fc from 'fast-check';
import kafkajs from 'kafkajs';
import snappy from 'snappyjs';
import { describe, expect, it } from 'vitest';
import { codecs } from './codecs.ts';

const { CompressionTypes } = kafkajs;
const CODECS = [
  ['snappy', CompressionTypes.Snappy],
  ['lz4', CompressionTypes.LZ4],
  ['zstd', CompressionTypes.ZSTD],
] as const;

function codec(type: number): NonNullable<ReturnType<NonNullable<(typeof codecs)[number]>>> {
  const create = codecs[type];
  if (!create) throw new Error(`no codec ${type}`);
  return create();
}

function decompress(type: number, hex: string): Promise<Buffer> {
  return codec(type).decompress(Buffer.from(hex, 'hex'));
}

/** Bytes as batches hold them: some that repeat, some that do not. */
const bytes = fc
  .array(fc.tuple(fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 1, max: 400 })), { minLength: 1, maxLength: 30 })
  .map((parts) => Buffer.concat(parts.flatMap(([part, times]) => Array<Uint8Array>(times).fill(part))))
  .filter((buffer) => buffer.length > 0);

describe.each(CODECS)('%s', (_, type) => {
  it('gives back what it compressed', async () => {
    await fc.assert(
      fc.asyncProperty(bytes, async (buffer) => {
        const { compress, decompress: expand } = codec(type);
        expect((await expand(await compress({ buffer }))).equals(buffer)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('gives back a megabyte that does not compress', async () => {
    let state = 1;
    const buffer = Buffer.from(
      Array.from({ length: 1_000_000 }, () => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
        return state >>> 24;
      }),
    );
    const { compress, decompress: expand } = codec(type);
    expect((await expand(await compress({ buffer }))).equals(buffer)).toBe(true);
  });

  it('refuses bytes that are none of its own', async () => {
    const garbage = Buffer.from('ff00112233445566778899aabbccddeeff', 'hex');
    await expect(Promise.resolve().then(() => codec(type).decompress(garbage))).rejects.toThrow();
  });
});

describe('snappy, as the Java client frames it', () => {
  const header = Buffer.concat([Buffer.from([0x82]), Buffer.from('SNAPPY\0'), Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])]);

  function framed(...blocks: Buffer[]): Buffer {
    const parts = blocks.flatMap((block) => {
      const compressed = Buffer.from(snappy.compress(block));
      const size = Buffer.alloc(4);
      size.writeUInt32BE(compressed.length);
      return [size, compressed];
    });
    return Buffer.concat([header, ...parts]);
  }

  it.each([
    ['no block', []],
    ['one block', ['contoso']],
    ['several blocks', ['contoso'.repeat(1_000), '/', 'prod'.repeat(9_000)]],
  ])('is read: %s', async (_, texts) => {
    const blocks = texts.map((text) => Buffer.from(text));
    const expanded = await codec(CompressionTypes.Snappy).decompress(framed(...blocks));
    expect(expanded.equals(Buffer.concat(blocks))).toBe(true);
  });

  it('is read when a block is written by hand', async () => {
    // Length 6, a literal of 2, a copy of 4 from 2 back.
    const block = Buffer.from('06' + '04' + '6162' + '0102', 'hex');
    const bytesOfBlock = Buffer.concat([header, Buffer.from([0, 0, 0, block.length]), block]);
    expect((await codec(CompressionTypes.Snappy).decompress(bytesOfBlock)).toString()).toBe('ababab');
  });
});

describe('lz4, as other clients write it', () => {
  // Magic, flags, block size, header checksum, then blocks with their sizes, an end mark.
  const STORED = '05000080' + '68656c6c6f';
  const END = '00000000';

  it.each([
    ['a stored block', `04224d18604082${STORED}${END}`, 'hello'],
    ['two stored blocks', `04224d18604082${STORED}${STORED}${END}`, 'hellohello'],
    ['the content’s size in the header', `04224d1868400500000000000000a0${STORED}${END}`, 'hello'],
    ['the content’s checksum at the end', `04224d186440a7${STORED}${END}f9a7a2fb`, 'hello'],
    ['a match that reaches into the block before', `04224d18404000${STORED}06000000000500106c6f${END}`, ''],
  ])('is read: %s', async (_, hex, text) => {
    const expanded = (await decompress(CompressionTypes.LZ4, hex)).toString();
    if (text !== '') expect(expanded).toBe(text);
    else expect(expanded.startsWith('hellohell')).toBe(true);
  });
});

describe('zstd, as other clients write it', () => {
  it('is read: a raw block without the content’s size', async () => {
    // Magic, no single segment, window of 1 KiB, last raw block of 5 bytes.
    expect(
      (await decompress(CompressionTypes.ZSTD, '28b52ffd' + '00' + '00' + '290000' + '68656c6c6f')).toString(),
    ).toBe('hello');
  });
});
