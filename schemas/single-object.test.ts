import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEAD_LETTER_REASONS } from './dead-letters.ts';
import type { TallyRecord } from './records.ts';
import { type Decoded, decodeRecord, encodeRecord } from './single-object.ts';
import { anyRecord, avroLong, avroString, FINGERPRINTS, message } from './test-records.ts';

const RUNS = 5_000;
const SCHEMAS = ['Interaction', 'InteractionVoided', 'ProfileRecord'] as const;

function reasonOf(decoded: Decoded): string {
  return decoded.ok ? 'none' : decoded.fault.reason;
}

/** Whatever came in: a record that survives being written again, or a reason with words. */
function expectRecordOrReason(bytes: Buffer): void {
  const decoded = decodeRecord(bytes);
  if (decoded.ok) {
    expect(decodeRecord(encodeRecord(decoded.record))).toEqual(decoded);
  } else {
    expect(DEAD_LETTER_REASONS).toHaveProperty(decoded.fault.reason);
    expect(decoded.fault.detail).not.toBe('');
  }
}

describe('decodeRecord', () => {
  it('gives back what encodeRecord wrote', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        expect(decodeRecord(encodeRecord(record))).toEqual({ ok: true, record });
      }),
      { numRuns: RUNS },
    );
  });

  it('never throws, whatever the bytes', () => {
    const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
    fc.assert(fc.property(bytes, expectRecordOrReason), { numRuns: RUNS });
  });

  it('never throws, whatever follows a known header', () => {
    const bytes = fc
      .tuple(fc.constantFrom(...SCHEMAS), fc.uint8Array({ maxLength: 300 }))
      .map(([schema, datum]) => message(schema, Buffer.from(datum)));
    fc.assert(fc.property(bytes, expectRecordOrReason), { numRuns: RUNS });
  });

  it('never throws when bytes of a message are changed', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(anyRecord, changes, (record, at) => {
        const bytes = encodeRecord(record);
        for (const [index, byte] of at) bytes[index % bytes.length] = byte;
        expectRecordOrReason(bytes);
      }),
      { numRuns: RUNS },
    );
  });

  it('reads a message that lies within a larger buffer', () => {
    fc.assert(
      fc.property(anyRecord, fc.nat(20), (record, before) => {
        const bytes = encodeRecord(record);
        const around = Buffer.concat([Buffer.alloc(before, 0xff), bytes, Buffer.alloc(9, 0xff)]);
        expect(decodeRecord(around.subarray(before, before + bytes.length))).toEqual({ ok: true, record });
      }),
    );
  });

  it.each([
    ['null', null, 'empty-value'],
    ['no bytes', '', 'empty-value'],
    ['one zero byte', '00', 'unknown-framing'],
    ['four bytes that begin with zero', '00000000', 'unknown-framing'],
    ['a registry’s frame without a datum', '0000000007', 'registry-framing'],
    ['a registry’s frame', '000000000702', 'registry-framing'],
    ['JSON', Buffer.from('{"a":1}').toString('hex'), 'unknown-framing'],
    ['the first byte of the marker', 'c3', 'unknown-framing'],
    ['a marker of another version', 'c302fb214faf0a2040bd', 'unknown-framing'],
    ['an Avro file', '4f626a01', 'unknown-framing'],
    ['the marker alone', 'c301', 'malformed-datum'],
    ['a fingerprint cut short', 'c301fb214faf0a2040', 'malformed-datum'],
    ['a fingerprint nobody knows', 'c3010000000000000000', 'unknown-schema'],
    ['a fingerprint in the other byte order', 'c301bd40200aaf4f21fb', 'unknown-schema'],
    ['a header without a datum', 'c301fb214faf0a2040bd', 'malformed-datum'],
  ])('says of %s why it is no record', (_, hex, reason) => {
    expect(reasonOf(decodeRecord(hex === null ? null : Buffer.from(hex, 'hex')))).toBe(reason);
  });

  it('names the schema id of a registry’s frame', () => {
    expect(decodeRecord(Buffer.from('000001e2400c', 'hex'))).toMatchObject({ fault: { detail: 'schema id 123456' } });
  });

  it('refuses a datum cut short, at every length', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        const bytes = encodeRecord(record);
        for (let length = 2; length < bytes.length; length++) {
          const reason = reasonOf(decodeRecord(bytes.subarray(0, length)));
          if (reason !== 'malformed-datum') expect.fail(`${length} of ${bytes.length} bytes: ${reason}`);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('refuses bytes after the datum', () => {
    fc.assert(
      fc.property(anyRecord, fc.uint8Array({ minLength: 1, maxLength: 9 }), (record, more) => {
        expect(reasonOf(decodeRecord(Buffer.concat([encodeRecord(record), more])))).toBe('malformed-datum');
      }),
    );
  });
});

const ids = [avroString('t'), avroString('e')];
const interactionHead = [avroString('id'), ...ids];
const interactionTail = [avroString('c'), avroLong(0), avroLong(0), avroLong(0)];

describe('decodeRecord, of a datum that breaks its schema', () => {
  it.each([
    ['an entity type past the last', [...interactionHead, avroLong(5), ...interactionTail, avroLong(0), avroLong(0)]],
    ['a negative entity type', [...interactionHead, avroLong(-1), ...interactionTail, avroLong(0), avroLong(0)]],
    ['a union branch past the last', [...interactionHead, avroLong(0), ...interactionTail, avroLong(2), avroLong(0)]],
    ['a negative union branch', [...interactionHead, avroLong(0), ...interactionTail, avroLong(-1), avroLong(0)]],
    ['a string of negative length', [avroLong(-2), ...ids, avroLong(0), ...interactionTail, avroLong(0), avroLong(0)]],
    ['a string longer than the datum', [avroLong(2n ** 40n), ...ids, avroLong(0), ...interactionTail]],
  ])('refuses %s', (_, datum) => {
    expect(reasonOf(decodeRecord(message('Interaction', ...datum)))).toBe('malformed-datum');
  });

  it.each([2n ** 53n, 2n ** 63n - 1n, -(2n ** 53n), -(2n ** 63n)])(
    'refuses the time %i, which no double holds',
    (at) => {
      const datum = [avroString('id'), ...ids, avroLong(0), avroString('c'), avroLong(at), avroString('reason')];
      expect(reasonOf(decodeRecord(message('InteractionVoided', ...datum)))).toBe('malformed-datum');
    },
  );
});

const profileHead = [...ids, avroString('crm'), avroString('r-1'), avroLong(0)];
const identifier = (kind: string, value: string | Buffer): Buffer =>
  Buffer.concat([avroString(kind), avroString(value)]);
const email = identifier('email', 'a@x.io');
const phone = identifier('phone', '+48');
const changedAt = avroLong(1_767_225_600_000);
const both = [
  { kind: 'email', value: 'a@x.io' },
  { kind: 'phone', value: '+48' },
];

describe('decodeRecord, of an array', () => {
  it.each([
    ['one block', [avroLong(2), email, phone, avroLong(0)]],
    ['a block for each', [avroLong(1), email, avroLong(1), phone, avroLong(0)]],
    ['a block with its size', [avroLong(-2), avroLong(email.length + phone.length), email, phone, avroLong(0)]],
    ['blocks of both forms', [avroLong(1), email, avroLong(-1), avroLong(phone.length), phone, avroLong(0)]],
    ['a block with a wrong size, which only skipping needs', [avroLong(-2), avroLong(1), email, phone, avroLong(0)]],
  ])('reads %s', (_, blocks) => {
    const decoded = decodeRecord(message('ProfileRecord', ...profileHead, ...blocks, changedAt));
    expect(decoded).toMatchObject({ ok: true, record: { value: { identifiers: both, changedAt: 1_767_225_600_000 } } });
  });

  it.each([
    3n,
    1_000_000n,
    2n ** 31n,
    2n ** 32n - 1n,
    2n ** 32n,
    2n ** 53n,
    2n ** 63n - 1n,
    -1_000_000n,
    -(2n ** 31n),
    -(2n ** 63n),
  ])('refuses a block of %i items where two are, before room is made for them', (count) => {
    const size = count < 0n ? [avroLong(1)] : [];
    const blocks = [avroLong(count), ...size, email, phone, avroLong(0)];
    const decoded = decodeRecord(message('ProfileRecord', ...profileHead, ...blocks));
    expect(reasonOf(decoded)).toBe('malformed-datum');
    expect(decoded).toMatchObject({ fault: { detail: expect.stringContaining('count') } });
  });

  it('refuses an absurd block after a good one', () => {
    const blocks = [avroLong(1), email, avroLong(2n ** 40n), phone, avroLong(0)];
    const decoded = decodeRecord(message('ProfileRecord', ...profileHead, ...blocks, changedAt));
    expect(decoded).toMatchObject({ fault: { reason: 'malformed-datum', detail: expect.stringContaining('count') } });
  });
});

const INVALID_UTF8 = [
  ['a byte that never occurs', 'ff'],
  ['an overlong form', 'c080'],
  ['a surrogate', 'eda080'],
  ['a code point past the last', 'f4908080'],
  ['a sequence cut short', '41e282'],
  ['a continuation alone, after U+FFFD itself', 'efbfbd80'],
] as const;

/** A datum of each schema with `content` as its nth string. */
const STRING_FIELDS: Record<TallyRecord['schema'], { names: string[]; datum: (strings: Buffer[]) => Buffer[] }> = {
  Interaction: {
    names: ['eventId', 'tenantId', 'environmentId', 'entityId', 'journeyId', 'provider'],
    datum: ([a, b, c, d, e, f] = []) =>
      present([a, b, c, avroLong(0), d, avroLong(0), avroLong(0), avroLong(0), avroLong(1), e, avroLong(1), f]),
  },
  InteractionVoided: {
    names: ['eventId', 'tenantId', 'environmentId', 'entityId', 'reason'],
    datum: ([a, b, c, d, e] = []) => present([a, b, c, avroLong(0), d, avroLong(0), e]),
  },
  ProfileRecord: {
    names: ['tenantId', 'environmentId', 'source', 'recordId', 'identifier kind', 'identifier value'],
    datum: ([a, b, c, d, e, f] = []) =>
      present([a, b, c, d, avroLong(0), avroLong(-1), avroLong(0), e, f, avroLong(0), avroLong(0)]),
  },
};

function present(parts: (Buffer | undefined)[]): Buffer[] {
  return parts.filter((part) => part !== undefined);
}

const stringFields = SCHEMAS.flatMap((schema) =>
  STRING_FIELDS[schema].names.map((field, index) => ({ schema, field, index })),
);

function withString(schema: TallyRecord['schema'], at: number, content: Buffer): Buffer {
  const { names, datum } = STRING_FIELDS[schema];
  return message(schema, ...datum(names.map((_, index) => avroString(index === at ? content : 'plain'))));
}

describe.each(stringFields)('decodeRecord, of the $field of $schema', ({ schema, index }) => {
  it.each(INVALID_UTF8)('refuses %s', (_, hex) => {
    expect(reasonOf(decodeRecord(withString(schema, index, Buffer.from(hex, 'hex'))))).toBe('invalid-utf8');
  });

  it.each(['', 'plain', 'U+FFFD itself: \ufffd', '\ufeff after a byte order mark', '\u0000', '🧑‍🚀'])(
    'reads %j',
    (content) => {
      const decoded = decodeRecord(withString(schema, index, Buffer.from(content)));
      expect(decoded.ok).toBe(true);
      expect(JSON.stringify(decoded)).toContain(JSON.stringify(content));
    },
  );
});

describe('encodeRecord', () => {
  const value = {
    eventId: 'e-1',
    tenantId: 'contoso',
    environmentId: 'prod',
    entityType: 'contact',
    entityId: 'c-1',
    channel: 'email',
    direction: 'outbound',
    occurredAt: 0,
    journeyId: null,
    provider: null,
  };

  it('begins with the marker and the fingerprint', () => {
    const bytes = encodeRecord({ schema: 'Interaction', value } as TallyRecord);
    expect(bytes.subarray(0, 10).toString('hex')).toBe(`c301${FINGERPRINTS.Interaction}`);
  });

  it.each([
    ['a symbol that is none', { channel: 'pigeon' }],
    ['no time', { occurredAt: undefined }],
    ['a time that is no number', { occurredAt: Number.NaN }],
    ['a time without an end', { occurredAt: Number.POSITIVE_INFINITY }],
    ['half a millisecond', { occurredAt: 0.5 }],
    ['a number for a text', { entityId: 7 }],
  ])('throws on %s', (_, change) => {
    expect(() => encodeRecord({ schema: 'Interaction', value: { ...value, ...change } } as TallyRecord)).toThrow();
  });
});
