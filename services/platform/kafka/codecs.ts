/**
 * Compression that producers in other languages use by default. Without a codec kafkajs ends the consumer at the first
 * compressed batch, so every codec of the protocol is here: gzip is built in, zstd comes with Node, snappy and lz4 from
 * packages. Tally itself sends uncompressed.
 */
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import kafkajs from 'kafkajs';
import lz4 from 'lz4js';
import snappy from 'snappyjs';

const { CompressionTypes } = kafkajs;

interface Codec {
  compress: (encoder: { buffer: Buffer }) => Promise<Buffer>;
  decompress: (bytes: Buffer) => Promise<Buffer>;
}

const zstdIn = promisify(zstdCompress) as (bytes: Buffer) => Promise<Buffer>;
const zstdOut = promisify(zstdDecompress) as (bytes: Buffer) => Promise<Buffer>;

/** The Java client frames snappy in blocks of its own; other clients send the plain format. */
const XERIAL_HEADER = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
const XERIAL_HEADER_BYTES = 16;

function unsnappy(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, XERIAL_HEADER.length).equals(XERIAL_HEADER)) return Buffer.from(snappy.uncompress(bytes));
  const blocks: Uint8Array[] = [];
  for (let at = XERIAL_HEADER_BYTES; at < bytes.length; ) {
    const size = bytes.readUInt32BE(at);
    blocks.push(snappy.uncompress(bytes.subarray(at + 4, at + 4 + size)));
    at += 4 + size;
  }
  return Buffer.concat(blocks);
}

/**
 * lz4js does not say in a frame's header that its blocks are independent, and brokers take no others. A block holds 4 MiB,
 * more than any batch, so there is only one and it is independent: the header says so, with the checksum that goes with it.
 */
const LZ4_INDEPENDENT_HEADER = Buffer.from('04224d18607073', 'hex');

function withIndependentBlocks(frame: Buffer): Buffer {
  LZ4_INDEPENDENT_HEADER.copy(frame);
  return frame;
}

export const codecs: Partial<Record<number, () => Codec>> = {
  [CompressionTypes.Snappy]: () => ({
    compress: async ({ buffer }) => Buffer.from(snappy.compress(buffer)),
    decompress: async (bytes) => unsnappy(bytes),
  }),
  [CompressionTypes.LZ4]: () => ({
    compress: async ({ buffer }) => withIndependentBlocks(Buffer.from(lz4.compress(buffer))),
    decompress: async (bytes) => Buffer.from(lz4.decompress(bytes)),
  }),
  [CompressionTypes.ZSTD]: () => ({
    compress: ({ buffer }) => zstdIn(buffer),
    decompress: (bytes) => zstdOut(bytes),
  }),
};
