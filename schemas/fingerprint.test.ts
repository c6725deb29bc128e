import avro from 'avsc';
import { expect, test } from 'vitest';
import { crc64Avro, fingerprintOf } from './fingerprint.ts';

// From the Avro project's own table of test schemas.
test.each([
  ['"null"', 7195948357588979594n],
  ['"boolean"', -6970731678124411036n],
  ['"int"', 8247732601305521295n],
  ['"string"', -8142146995180207161n],
])('the fingerprint of %s is the one Avro publishes', (schema, expected) => {
  expect(BigInt.asIntN(64, crc64Avro(Buffer.from(schema)))).toBe(expected);
});

test('a fingerprint does not depend on docs, defaults and logical types, and does on names and order', () => {
  const field = (name: string, extra = {}) => ({ name, type: ['null', 'string'], ...extra });
  const of = (fields: object[], extra = {}) =>
    fingerprintOf(avro.Type.forSchema({ type: 'record', name: 'R', fields, ...extra } as avro.Schema));
  const plain = of([field('a'), field('b')]);
  expect(of([field('a', { doc: 'words', default: null }), field('b')], { doc: 'words' })).toBe(plain);
  expect(of([field('b'), field('a')])).not.toBe(plain);
  expect(of([field('a'), field('c')])).not.toBe(plain);
});
