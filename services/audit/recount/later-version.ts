/**
 * Later versions of the three schemas, as they are announced: a schema of the contract with optional fields behind its
 * last, in Avro's canonical form, under the CRC-64-AVRO of that form.
 */

/** What a field that was added may hold, besides null. */
export type AddedType = 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string';

export interface LaterVersion {
  /** Of the schema that it extends, 16 hex digits. */
  of: string;
  fingerprint: string;
  added: AddedType[];
}

const FIELD = /,\{"name":"[A-Za-z_][A-Za-z0-9_]*","type":\["null","(boolean|int|long|float|double|bytes|string)"\]\}$/;
const END = ']}';
const SCHEMA_BYTES_MAX = 16 * 1024;
const ADDED_MAX = 64;

/** What a schema's text adds to one of those whose fingerprints are given; undefined when it does not do just that. */
export function laterVersion(schema: Buffer, known: Iterable<string>): LaterVersion | undefined {
  if (schema.length > SCHEMA_BYTES_MAX) return undefined;
  const fingerprints = new Set(known);
  const text = schema.toString('utf8');
  if (!text.endsWith(END)) return undefined;
  const added: AddedType[] = [];
  // Field after field is taken off its end, until what is left is one of the known ones.
  for (let fields = text.slice(0, -END.length); ; ) {
    const field = FIELD.exec(fields);
    if (!field || added.length === ADDED_MAX) return undefined;
    added.unshift(field[1] as AddedType);
    fields = fields.slice(0, field.index);
    const of = fingerprintOf(Buffer.from(fields + END));
    if (fingerprints.has(of))
      return hasFieldTwice(text) ? undefined : { of, fingerprint: fingerprintOf(schema), added };
  }
}

function hasFieldTwice(schema: string): boolean {
  const { fields } = JSON.parse(schema) as { fields: { name: string }[] };
  return new Set(fields.map(({ name }) => name)).size < fields.length;
}

const EMPTY = 0xc15d213aa4d7a795n;

/** Bit by bit, as the Avro specification has it. */
function fingerprintOf(bytes: Buffer): string {
  let fingerprint = EMPTY;
  for (const byte of bytes) {
    fingerprint ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) {
      fingerprint = fingerprint & 1n ? (fingerprint >> 1n) ^ EMPTY : fingerprint >> 1n;
    }
  }
  const littleEndian = Buffer.alloc(8);
  littleEndian.writeBigUInt64LE(fingerprint);
  return littleEndian.toString('hex');
}
