/**
 * The block is read back by a reader of this file, against the table as its migration creates it.
 */
import { readFileSync } from 'node:fs';
import { encodeRecord, recordKey, type TallyRecord } from '@tally/schemas';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { anyRecord } from '../../schemas/test-records.ts';
import { decodeEvent, type Place } from './decode.ts';
import { EventColumns } from './event-columns.ts';
import type { KnownInteraction, Outcome } from './first-occurrence.ts';
import { InteractionReader } from './interaction-reader.ts';
import { OUTCOME } from './outcome.ts';
import { positionOf } from './position.ts';
import { eventAt, incoming, interaction, NOW, placeOf, voided } from './test-events.ts';

const PLACE: Place = { kind: 'interactions', epoch: 1, partition: 3, partitions: 8 };

type Row = Record<string, unknown>;

/** The columns of the table that the migration creates, with their types. */
function tableColumns(): Map<string, string> {
  const sql = readFileSync(new URL('../../infra/clickhouse/0002_ingest.sql', import.meta.url), 'utf8');
  const [, body = ''] = /CREATE TABLE IF NOT EXISTS ingest\n\(([\s\S]*?)\n\)/.exec(sql) ?? [];
  return new Map([...body.matchAll(/^ {4}(\w+) +(.+?),?$/gm)].map(([, name = '', type = '']) => [name, type]));
}

interface Block {
  types: Map<string, string>;
  rows: Row[];
}

/** Reads a Native block. */
function read(pieces: readonly Uint8Array[]): Block {
  const bytes = Buffer.concat(pieces);
  let at = 0;
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new Error(`${length} bytes wanted, ${bytes.length - at} left`);
    at += length;
    return bytes.subarray(at - length, at);
  };
  const varint = (): number => {
    for (let value = 0, scale = 1; ; scale *= 128) {
      const byte = take(1).readUInt8();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  const text = (): string => take(varint()).toString();
  const readers: [RegExp, () => unknown][] = [
    [/^String/, text],
    [/^UInt128/, () => take(16).toString('hex')],
    [/^UInt64/, () => take(8).readBigUInt64LE()],
    [/^(DateTime64\(3|Int64)/, () => take(8).readBigInt64LE()],
    [/^Enum8/, () => take(1).readInt8()],
  ];
  const [columns, count] = [varint(), varint()];
  const rows = Array.from({ length: count }, (): Row => ({}));
  const types = new Map<string, string>();
  for (let column = 0; column < columns; column++) {
    const [name, type] = [text(), text()];
    types.set(name, type);
    const [, reader] = readers.find(([pattern]) => pattern.test(type)) ?? [];
    if (!reader) throw new Error(`no reader for ${name} ${type}`);
    for (const row of rows) row[name] = reader();
  }
  if (at !== bytes.length) throw new Error(`${bytes.length - at} bytes too many`);
  return { types, rows };
}

const nothing = {
  tenant_id: '',
  environment_id: '',
  entity_type: 0,
  entity_id: '',
  entity_key: '0'.repeat(32),
  event_id: '',
  event_key: '0'.repeat(32),
  channel: 0,
  direction: 0,
  occurred_at: 0n,
  journey_id: '',
  provider: '',
  content_hash: 0n,
  taken_back_position: 0n,
  voided_at: 0n,
  void_reason: '',
};

function rowOf(
  record: TallyRecord & { schema: 'Interaction' | 'InteractionVoided' },
  outcome: Outcome,
  takesBack?: KnownInteraction,
): Row | undefined {
  const columns = new EventColumns();
  columns.appendDecoded(eventAt(0n, record), PLACE, 78);
  columns.decide(0, outcome, takesBack);
  return read(columns.bytes()).rows[0];
}

test('the table has the columns that are inserted, under these types, and no others', () => {
  const { types } = read(new EventColumns().bytes());
  const declared = [...tableColumns()].map(([name, type]) => [name, type.replace('LowCardinality(String)', 'String')]);
  expect([...types].sort()).toEqual(declared.sort());
});

describe('EventColumns', () => {
  it('write an interaction', () => {
    const long = '漢'.repeat(42);
    const content = { channel: 'form_submission', direction: 'inbound', occurredAt: NOW - 1 } as const;
    const names = { journeyId: 'j-1', provider: 'acme' };
    const record = interaction({ entityType: 'other', entityId: long, ...content, ...names });
    const event = eventAt(0n, record);
    expect(rowOf(record, 'counted')).toEqual({
      ...nothing,
      position: positionOf(1, 3, 78n),
      outcome: 1,
      tenant_id: 'contoso',
      environment_id: 'prod',
      entity_type: 4,
      entity_id: long,
      entity_key: event.entityKey.toString('hex'),
      event_id: 'e-1',
      event_key: event.eventKey.toString('hex'),
      channel: 4,
      direction: 1,
      occurred_at: BigInt(NOW - 1),
      journey_id: 'j-1',
      provider: 'acme',
      content_hash: event.kind === 'interaction' ? event.contentHash : 0n,
    });
  });

  it('write a void with what it takes back', () => {
    const first = { occurredAt: NOW - 9, channel: 'voice', direction: 'inbound', contentHash: 2n ** 63n } as const;
    const takesBack: KnownInteraction = { position: positionOf(255, 65_535, 77n), ...first, suppressed: false };
    expect(rowOf(voided({ reason: 'sent in error', voidedAt: -1 }), 'void', takesBack)).toMatchObject({
      outcome: 4,
      event_id: 'e-1',
      channel: 3,
      direction: 1,
      occurred_at: BigInt(NOW - 9),
      content_hash: 2n ** 63n,
      taken_back_position: positionOf(255, 65_535, 77n),
      voided_at: -1n,
      void_reason: 'sent in error',
    });
  });

  it('write a void that takes nothing back', () => {
    const row = { taken_back_position: 0n, occurred_at: 0n, channel: 0, direction: 0, content_hash: 0n };
    expect(rowOf(voided(), 'void')).toMatchObject({
      ...row,
      outcome: 4,
      voided_at: BigInt(NOW),
      void_reason: 'why',
    });
  });

  it('write positions that hold nothing', () => {
    const columns = new EventColumns();
    columns.appendEmpty('dead-letter', PLACE, 1);
    columns.appendEmpty('control', PLACE, 2);
    expect(read(columns.bytes()).rows).toEqual([
      { ...nothing, position: positionOf(1, 3, 1n), outcome: 6 },
      { ...nothing, position: positionOf(1, 3, 2n), outcome: 7 },
    ]);
  });

  it('place every position, the largest too', () => {
    const anywhere = fc.record({
      epoch: fc.integer({ min: 0, max: 255 }),
      partition: fc.integer({ min: 0, max: 65_535 }),
      offset: fc.integer({ min: 0, max: 2 ** 40 - 1 }),
    });
    fc.assert(
      fc.property(anywhere, ({ epoch, partition, offset }) => {
        const columns = new EventColumns();
        columns.appendEmpty('control', { epoch, partition }, offset);
        expect(columns.position(0)).toBe(positionOf(epoch, partition, BigInt(offset)));
        expect(read(columns.bytes()).rows[0]?.['position']).toBe(positionOf(epoch, partition, BigInt(offset)));
      }),
    );
  });

  it('keep as many rows as there are, in their order, and count their outcomes', () => {
    const columns = new EventColumns();
    for (let offset = 0; offset < 5_000; offset++) {
      columns.appendDecoded(eventAt(0n, interaction({ eventId: `e-${offset}` })), PLACE, offset);
      columns.decide(offset, offset % 5 === 0 ? 'duplicate' : 'counted');
    }
    columns.appendEmpty('control', PLACE, 5_000);
    const { rows } = read(columns.bytes());
    expect(rows.map(({ position }) => position)).toEqual(
      Array.from({ length: 5_001 }, (_, offset) => positionOf(1, 3, BigInt(offset))),
    );
    expect(rows[4_321]).toMatchObject({ event_id: 'e-4321', outcome: 1 });
    const some = [...columns.outcomes()].filter(([, count]) => count > 0);
    expect(some).toEqual([
      ['counted', 4_000],
      ['duplicate', 1_000],
      ['control', 1],
    ]);
  });

  it('number outcomes as the table does', () => {
    expect([...(tableColumns().get('outcome') ?? '').matchAll(/'([^']+)' = (\d+)/g)].map(([, name]) => name)).toEqual(
      Object.keys(OUTCOME),
    );
  });
});

/** What both ways make of a record: the block's bytes, or that it is none. */
function bothWays(record: TallyRecord, value: Buffer, key: Buffer): { fast: string; slow: string } {
  const message = incoming(record, { value, key, offset: 5 });
  const place = placeOf(record);
  const fast = new EventColumns();
  const reader = new InteractionReader();
  const isRead = reader.read(message, place);
  if (isRead) fast.append(reader, place, 5);
  const slow = new EventColumns();
  const decoded = decodeEvent(message, place, 0n);
  if (decoded.ok) slow.appendDecoded(decoded.event, place, 5);
  return {
    fast: isRead ? Buffer.concat(fast.bytes()).toString('hex') : 'left to the decoder',
    slow: decoded.ok ? Buffer.concat(slow.bytes()).toString('hex') : 'refused',
  };
}

const idUnit = fc.constantFrom('a', 'B', '7', '-', ' ', '/', '"', 'é', '漢', '\u{1f600}', '\ufffd');
const id = fc.string({ unit: idUnit, minLength: 1, maxLength: 31 });
const scopeId = fc.stringMatching(/^[A-Za-z0-9_.:-]{1,64}$/);
const valid = fc
  .record({
    eventId: id,
    tenantId: scopeId,
    environmentId: scopeId,
    entityType: fc.constantFrom('contact', 'lead', 'profile', 'custom', 'other'),
    entityId: id,
    channel: fc.constantFrom('email', 'sms', 'push', 'voice', 'form_submission', 'custom'),
    direction: fc.constantFrom('outbound', 'inbound'),
    occurredAt: fc.integer({ min: Date.UTC(2015, 0, 1), max: NOW + 86_400_000 }),
    journeyId: fc.option(id),
    provider: fc.option(fc.string({ unit: fc.constantFrom('a', '\0', '\n', 'ü'), maxLength: 60 })),
  })
  .map((value): TallyRecord => interaction(value as Parameters<typeof interaction>[0]));

describe('InteractionReader', () => {
  it('reads every valid interaction, to the very bytes that the decoder’s way gives', () => {
    fc.assert(
      fc.property(valid, (record) => {
        const { fast, slow } = bothWays(record, encodeRecord(record), Buffer.from(recordKey(record)));
        expect(fast).toBe(slow);
      }),
      { numRuns: 1_000 },
    );
  });

  it('reads nothing that the decoder refuses, and nothing otherwise than it, whatever the bytes', () => {
    const change = fc.record({ at: fc.nat(400), byte: fc.nat(255), how: fc.constantFrom('set', 'cut', 'insert') });
    const keys = fc.constantFrom('own', 'none', 'longer', 'other');
    const records = fc.oneof(valid, anyRecord);
    let read = 0;
    fc.assert(
      fc.property(records, fc.array(change, { maxLength: 2 }), keys, (record, changes, which) => {
        let value = encodeRecord(record);
        for (const { at, byte, how } of changes) {
          const place = at % value.length;
          if (how === 'set') value[place] = byte;
          else if (how === 'cut') value = value.subarray(0, place);
          else value = Buffer.concat([value.subarray(0, place), Buffer.from([byte]), value.subarray(place)]);
          if (value.length === 0) return;
        }
        const own = Buffer.from(recordKey(record));
        const key = { own, none: Buffer.alloc(0), longer: Buffer.concat([own, own]), other: Buffer.from('a/b/c') }[
          which
        ];
        const { fast, slow } = bothWays(record, value, key);
        if (fast === 'left to the decoder') return;
        read++;
        expect(fast).toBe(slow);
      }),
      { numRuns: 5_000 },
    );
    expect(read).toBeGreaterThan(100);
  });

  it.each<[string, TallyRecord]>([
    ['a void', voided()],
    ['a provider of 300 bytes', interaction({ provider: 'p'.repeat(300) })],
    ['a provider of 3,000 bytes', interaction({ provider: 'p'.repeat(3_000) })],
  ])('leaves %s to the decoder, which takes it', (_, record) => {
    const { fast, slow } = bothWays(record, encodeRecord(record), Buffer.from(recordKey(record)));
    expect(fast).toBe('left to the decoder');
    expect(slow).not.toBe('refused');
  });

  it('leaves a record on a partition that is not its own to the decoder', () => {
    const record = interaction();
    const place = placeOf(record);
    const elsewhere = { ...place, partition: (place.partition + 1) % place.partitions };
    expect(new InteractionReader().read(incoming(record), place)).toBe(true);
    expect(new InteractionReader().read(incoming(record), elsewhere)).toBe(false);
  });
});
