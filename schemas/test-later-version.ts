/**
 * A version of a schema that this code does not have, for tests: the newest one with optional fields behind its last.
 */
import avro from 'avsc';
import { fingerprintOf } from './fingerprint.ts';
import type { SchemaName, TallyRecord } from './records.ts';
import { encodeRecord, VERSIONS } from './single-object.ts';

const HEADER_BYTES = 10;

export interface LaterVersion {
  /** What the topic of schemas says of it. */
  key: Buffer;
  schema: Buffer;
  /** A record of it; the added fields have the values given. */
  encode: (record: TallyRecord) => Buffer;
}

/** A field that a version has more, and what a record holds of it: a value, or the bytes that stand for one. */
export type AddedField = { type: string } & ({ value: unknown } | { bytes: Uint8Array });

export function laterVersionOf(name: SchemaName, added: readonly AddedField[]): LaterVersion {
  const newest = VERSIONS.findLast((version) => version.name === name);
  if (!newest) throw new Error(`no schema named ${name}`);
  const fields = added.map(({ type }, index) => ({ name: `added${index}`, type: ['null', type] }));
  const text = JSON.stringify(newest.type.schema());
  const schema = `${text.slice(0, -2)},${JSON.stringify(fields).slice(1)}}`;
  const fingerprint = fingerprintOf(avro.Type.forSchema(JSON.parse(schema)));
  const values = added.map((field) => ('bytes' in field ? Buffer.from([2, ...field.bytes]) : encoded(field)));
  return {
    key: Buffer.from(fingerprint),
    schema: Buffer.from(schema),
    encode: (record) =>
      Buffer.concat([Buffer.from(`c301${fingerprint}`, 'hex'), encodeRecord(record).subarray(HEADER_BYTES), ...values]),
  };
}

function encoded({ type, value }: { type: string; value: unknown }): Buffer {
  const union = avro.Type.forSchema(['null', type] as avro.Schema, { wrapUnions: true });
  return union.toBuffer(value === null ? null : { [type]: value });
}
