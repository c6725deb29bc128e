/**
 * Broken Avro: golden bytes, changed by someone who knows how a datum is laid out.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { Random } from './random.ts';

const GOLDEN = new URL('../../schemas/golden/', import.meta.url);
const HEADER_BYTES = 10;
const MUTATIONS_MAX = 4;
const SPAN_BYTES_MAX = 64;

/** Every value that a shipped encoder is known to have written. */
export function goldenValues(): Buffer[] {
  return readdirSync(GOLDEN)
    .filter((name) => name !== 'versions.json')
    .flatMap((name) => JSON.parse(readFileSync(new URL(name, GOLDEN), 'utf8')) as { hex: string }[])
    .map(({ hex }) => Buffer.from(hex, 'hex'));
}

type Mutation = (value: Buffer, random: Random, corpus: readonly Buffer[]) => Buffer;

/** Lengths and counts that lie: around zero, around the limits of 31, 32, 53 and 64 bits, and longer than any number. */
const VARINTS = [
  '00',
  '01',
  '02',
  '03',
  '7f',
  '8001',
  'ff01',
  'feffffff0f',
  'ffffffff0f',
  '8080808010',
  '80a8d6b907',
  'feffffffffffff1f',
  'ffffffffffffff1f',
  '808080808080802080',
  'feffffffffffffffff01',
  'ffffffffffffffffff01',
  '8080808080808080808000',
  'ffffffffffffffffffffffffffffffff',
  '80',
  '8080808080',
].map((hex) => Buffer.from(hex, 'hex'));

/** Bytes that are no UTF-8, or are on its edge. */
const TEXTS = ['ff', 'c080', 'eda080', 'f4908080', 'e282', 'efbfbd', '00', 'f09f', 'c3', '80'].map((hex) =>
  Buffer.from(hex, 'hex'),
);

const mutations: Readonly<Record<string, Mutation>> = {
  flipBits: (value, random) => {
    const out = Buffer.from(value);
    for (let flips = 1 + random.int(8); flips > 0 && out.length > 0; flips--) {
      const at = random.int(out.length);
      out[at] = (out[at] ?? 0) ^ (1 << random.int(8));
    }
    return out;
  },
  setByte: (value, random) => {
    const out = Buffer.from(value);
    if (out.length > 0) out[datumPlace(out, random)] = random.bits();
    return out;
  },
  truncate: (value, random) => value.subarray(0, random.int(value.length + 1)),
  append: (value, random) => Buffer.concat([value, random.bytes(1 + random.int(SPAN_BYTES_MAX))]),
  remove: (value, random) => {
    const { from, to } = span(value, random);
    return Buffer.concat([value.subarray(0, from), value.subarray(to)]);
  },
  repeat: (value, random) => {
    const { from, to } = span(value, random);
    const times = Array.from({ length: 1 + random.int(16) }, () => value.subarray(from, to));
    return Buffer.concat([value.subarray(0, to), ...times, value.subarray(to)]);
  },
  splice: (value, random, corpus) => {
    const other = random.pick(corpus);
    return Buffer.concat([value.subarray(0, random.int(value.length + 1)), other.subarray(random.int(other.length))]);
  },
  varint: (value, random) => {
    const at = random.pick(lengthPlaces(value));
    return Buffer.concat([value.subarray(0, at), random.pick(VARINTS), value.subarray(at + random.int(3))]);
  },
  lyingLength: (value, random) => {
    const out = Buffer.from(value);
    const at = random.pick(lengthPlaces(out));
    if (at < out.length) out[at] = ((out[at] ?? 0) + random.int(17) - 8) & 0xff;
    return out;
  },
  text: (value, random) => {
    const at = Math.min(random.pick(lengthPlaces(value)) + 1, value.length);
    const text = random.pick(TEXTS);
    return Buffer.concat([value.subarray(0, at), text, value.subarray(Math.min(at + text.length, value.length))]);
  },
  otherSchema: (value, random, corpus) =>
    Buffer.concat([random.pick(corpus).subarray(0, HEADER_BYTES), value.subarray(HEADER_BYTES)]),
  framing: (value, random) =>
    Buffer.concat([random.bytes(1 + random.int(HEADER_BYTES)), value.subarray(random.int(12))]),
  random: (value, random) =>
    Buffer.concat([value.subarray(0, random.int(HEADER_BYTES + 1)), random.bytes(random.int(256))]),
};

const all = Object.values(mutations);

/** A value of the corpus with one to four mutations; now and then as it is. */
export function mutatedValue(random: Random, corpus: readonly Buffer[]): Buffer {
  let value = random.pick(corpus);
  if (random.chance(0.02)) return value;
  for (let left = 1 + random.int(MUTATIONS_MAX); left > 0; left--) value = random.pick(all)(value, random, corpus);
  return value;
}

/** Where the lengths of a datum's strings stand, as far as they can be followed; never empty. */
function lengthPlaces(value: Buffer): number[] {
  const places = [Math.min(HEADER_BYTES, value.length)];
  for (let at = HEADER_BYTES; at < value.length && places.length < 16; ) {
    places.push(at);
    const byte = value[at] ?? 0;
    at += byte < 0x80 && byte % 2 === 0 ? 1 + byte / 2 : 1;
  }
  return places;
}

function datumPlace(value: Buffer, random: Random): number {
  return value.length <= HEADER_BYTES
    ? random.int(value.length)
    : HEADER_BYTES + random.int(value.length - HEADER_BYTES);
}

function span(value: Buffer, random: Random): { from: number; to: number } {
  const from = random.int(value.length + 1);
  return { from, to: Math.min(value.length, from + random.int(SPAN_BYTES_MAX)) };
}
