import avro from 'avsc';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AnnouncedSchemas, announcements } from './announced.ts';
import { crc64Avro, fingerprintOf, hexOf } from './fingerprint.ts';
import type { TallyRecord } from './records.ts';
import { decodeRecord, VERSIONS } from './single-object.ts';
import { laterVersionOf } from './test-later-version.ts';
import { anyRecord } from './test-records.ts';

const INTERACTION = JSON.stringify(VERSIONS[0]?.type.schema());

/** The schema with more text in the place of its end, under its own fingerprint. */
const announced = (more: string, text = INTERACTION): [Buffer, Buffer] => {
  const schema = Buffer.from(`${text.slice(0, -2)}${more}`);
  return [Buffer.from(hexOf(crc64Avro(schema))), schema];
};

describe('an announced schema', () => {
  it('lets records of a later version be read, without the fields that are not known', () => {
    fc.assert(
      fc.property(anyRecord, fc.option(fc.string()), (record, campaign) => {
        const later = laterVersionOf(record.schema, [{ type: 'string', value: campaign }]);
        const schemas = new AnnouncedSchemas();
        expect(decodeRecord(later.encode(record), schemas)).toMatchObject({ fault: { reason: 'unknown-schema' } });
        expect(schemas.add(later.key, later.schema)).toBeUndefined();
        expect(decodeRecord(later.encode(record), schemas)).toEqual({ ok: true, record });
      }),
    );
  });

  it.each([
    ['a number of more digits than one has here', 'long', [...Array<number>(9).fill(0xff), 0x01]],
    ['a byte that is neither true nor false', 'boolean', [2]],
    ['text that is not UTF-8', 'string', [4, 0xc3, 0x28]],
  ])('lets a record be read whose added field holds %s', (_, type, bytes) => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        const later = laterVersionOf(record.schema, [{ type, bytes: Uint8Array.from(bytes) }]);
        const schemas = new AnnouncedSchemas();
        schemas.add(later.key, later.schema);
        expect(decodeRecord(later.encode(record), schemas)).toEqual({ ok: true, record });
        const cut = later.encode(record).subarray(0, -1);
        expect(decodeRecord(cut, schemas)).toMatchObject({ fault: { reason: 'malformed-datum' } });
      }),
    );
  });

  it('lets known text be told from what is not UTF-8, also beside text that is not', () => {
    const later = laterVersionOf('InteractionVoided', [{ type: 'string', bytes: Uint8Array.of(4, 0xc3, 0x28) }]);
    const schemas = new AnnouncedSchemas();
    schemas.add(later.key, later.schema);
    const voided = (reason: string): TallyRecord => ({
      schema: 'InteractionVoided',
      value: {
        eventId: 'e',
        tenantId: 't',
        environmentId: 'p',
        entityType: 'lead',
        entityId: 'l',
        voidedAt: 1,
        reason,
      },
    });
    const said = later.encode(voided('\ufffd'));
    expect(decodeRecord(said, schemas)).toEqual({ ok: true, record: voided('\ufffd') });
    said.set([0xff, 0xff, 0xff], said.indexOf('\ufffd'));
    expect(decodeRecord(said, schemas)).toMatchObject({ fault: { reason: 'invalid-utf8' } });
  });

  it('is read under its own fingerprint alone', () => {
    const later = laterVersionOf('Interaction', [{ type: 'string', value: null }]);
    const schemas = new AnnouncedSchemas();
    expect(schemas.add(Buffer.from('0123456789abcdef'), later.schema)).toMatch('fingerprint');
    expect(schemas.add(Buffer.from('nothing'), later.schema)).toMatch('16 hex digits');
    expect(schemas.add(null, null)).toMatch('16 hex digits');
    expect(schemas.find(later.key.toString())).toBeUndefined();
  });

  it.each([
    ['a field that is not optional', ',{"name":"a","type":"string"}]}'],
    ['a field of many values', ',{"name":"a","type":["null",{"type":"array","items":"null"}]}]}'],
    ['a field whose default is not null', ',{"name":"a","type":["string","null"]}]}'],
    ['a field that is there already', ',{"name":"provider","type":["null","string"]}]}'],
    ['more behind its end', ',{"name":"a","type":["null","string"]}]} '],
    [
      'more fields than are looked at',
      `${Array.from({ length: 65 }, (_, at) => `,{"name":"f${at}","type":["null","int"]}`).join('')}]}`,
    ],
    ['more bytes than are looked at', `,{"name":"${'a'.repeat(16 * 1024)}","type":["null","int"]}]}`],
  ])('with %s is refused, and its records are told why', (_, more) => {
    const schemas = new AnnouncedSchemas();
    const [key, schema] = announced(more);
    const why = schemas.add(key, schema);
    expect(why).toBeTypeOf('string');
    const decoded = decodeRecord(Buffer.from(`c301${key}00`, 'hex'), schemas);
    expect(decoded).toMatchObject({ fault: { reason: 'unknown-schema', detail: expect.stringContaining(why ?? '') } });
  });

  it('of another record, or with a field changed, is refused', () => {
    const schemas = new AnnouncedSchemas();
    const more = ',{"name":"a","type":["null","string"]}]}';
    for (const [from, to] of [
      ['tally.Interaction"', 'tally.Other"'],
      ['"sms"', '"mms"'],
      ['"occurredAt","type":"long"', '"occurredAt","type":"int"'],
    ] as const) {
      expect(schemas.add(...announced(more, INTERACTION.replace(from, to)))).toMatch('optional fields');
    }
    expect(schemas.add(...announced(more))).toBeUndefined();
  });

  it('that this code has is nothing to learn', () => {
    const schemas = new AnnouncedSchemas();
    expect(schemas.add(...announced(']}'))).toBeUndefined();
    expect(schemas.find(announced(']}')[0].toString())).toBeUndefined();
  });

  it('stays readable whatever is announced after it', () => {
    const later = laterVersionOf('ProfileRecord', [{ type: 'long', value: 1 }]);
    const schemas = new AnnouncedSchemas();
    schemas.add(later.key, later.schema);
    schemas.add(later.key, Buffer.from('{}'));
    expect(schemas.find(later.key.toString())).toMatchObject({ name: 'ProfileRecord' });
  });
});

it('announces the versions that the first release did not have, in canonical form', () => {
  const later = VERSIONS.filter(({ version }) => version > 1);
  const said = announcements();
  expect(said.map(({ key }) => key.toString()).sort()).toEqual(later.map(({ fingerprint }) => fingerprint).sort());
  for (const { key, value } of said) {
    expect(fingerprintOf(avro.Type.forSchema(JSON.parse(value.toString())))).toBe(key.toString());
  }
});
