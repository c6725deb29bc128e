/**
 * The rows are read back by a reader of this file, column by column in the order that the insert names.
 */
import { readFileSync } from 'node:fs';
import { CHANNELS, DIRECTIONS, ENTITY_TYPES } from '@tally/schemas';
import { describe, expect, it, test } from 'vitest';
import { decide, type KnownInteraction, type Outcome } from './first-occurrence.ts';
import { encodeEvents, encodeProfiles, INGEST_COLUMNS, INGEST_PROFILE_COLUMNS } from './rows.ts';
import { eventAt, interaction, NOW, profile, voided } from './test-events.ts';

const OUTCOMES = ['counted', 'duplicate', 'conflicting', 'void', 'suppressed', 'dead-letter', 'control'];

type Row = Record<string, unknown>;
type Read = (from: Reader) => unknown;

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  take(bytes: number): Buffer {
    if (bytes > this.left) throw new Error(`${bytes} bytes wanted, ${this.left} left`);
    this.#at += bytes;
    return this.#bytes.subarray(this.#at - bytes, this.#at);
  }

  varint(): number {
    for (let value = 0, scale = 1; ; scale *= 128) {
      const byte = this.take(1).readUInt8();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }
}

const text: Read = (from) => from.take(from.varint()).toString();
const uint64: Read = (from) => from.take(8).readBigUInt64LE();
const int64: Read = (from) => from.take(8).readBigInt64LE();
const uint128: Read = (from) => from.take(16).toString('hex');
const small: Read = (from) => from.take(1).readInt8();
const array =
  (item: Read): Read =>
  (from) =>
    Array.from({ length: from.varint() }, () => item(from));

/** Types as the tables declare them, to readers. */
const READERS: [RegExp, Read][] = [
  [/^(LowCardinality\(String\)|String)/, text],
  [/^Array\(LowCardinality\(String\)\)/, array(text)],
  [/^Array\(UInt128\)/, array(uint128)],
  [/^UInt128/, uint128],
  [/^UInt64/, uint64],
  [/^(DateTime64\(3|Int64)/, int64],
  [/^(Enum8|UInt8)/, small],
];

/** The columns of the table that a migration creates, with their types. */
function columnsOf(file: string, table: string): Map<string, string> {
  const sql = readFileSync(new URL(`../../infra/clickhouse/${file}`, import.meta.url), 'utf8');
  const [, body = ''] = new RegExp(`CREATE TABLE IF NOT EXISTS ${table}\\n\\(([\\s\\S]*?)\\n\\)`).exec(sql) ?? [];
  return new Map([...body.matchAll(/^ {4}(\w+) +(.+?),?$/gm)].map(([, name = '', type = '']) => [name, type]));
}

const ingest = columnsOf('0002_ingest.sql', 'ingest');
const ingestProfiles = columnsOf('0008_profiles.sql', 'ingest_profiles');

function readRows(bytes: Buffer, names: readonly string[], types: Map<string, string>): Row[] {
  const reader = new Reader(bytes);
  const rows: Row[] = [];
  while (reader.left > 0) {
    const row: Row = {};
    for (const name of names) {
      const type = types.get(name) ?? '';
      const [, read] = READERS.find(([pattern]) => pattern.test(type)) ?? [];
      if (!read) throw new Error(`no reader for ${name} ${type}`);
      row[name] = read(reader);
    }
    rows.push(row);
  }
  return rows;
}

function enumOf(type: string | undefined): [string, number][] {
  return [...(type ?? '').matchAll(/'([^']+)' = (\d+)/g)].map(([, name = '', number]) => [name, Number(number)]);
}

describe('the tables', () => {
  test('have the columns that are inserted, and no others', () => {
    expect([...ingest.keys()].sort()).toEqual([...INGEST_COLUMNS].sort());
    expect([...ingestProfiles.keys()].sort()).toEqual([...INGEST_PROFILE_COLUMNS].sort());
  });

  test('number outcomes, channels, directions and entity types as the rows do', () => {
    const numbered = (names: readonly string[], first = 0): [string, number][] =>
      names.map((name, index) => [name, index + first]);
    expect(enumOf(ingest.get('outcome'))).toEqual(numbered(OUTCOMES, 1));
    expect(enumOf(ingestProfiles.get('outcome'))).toEqual(numbered(OUTCOMES, 1));
    expect(enumOf(ingest.get('channel'))).toEqual(numbered(CHANNELS));
    expect(enumOf(ingest.get('direction'))).toEqual(numbered(DIRECTIONS));
    expect(enumOf(ingest.get('entity_type'))).toEqual(numbered(ENTITY_TYPES));
  });
});

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

function events(...given: Parameters<typeof encodeEvents>): Row[] {
  return readRows(encodeEvents(...given), INGEST_COLUMNS, ingest);
}

describe('encodeEvents', () => {
  it('writes an interaction', () => {
    const long = '漢'.repeat(42);
    const record = interaction({
      entityType: 'other',
      entityId: long,
      channel: 'form_submission',
      direction: 'inbound',
      occurredAt: NOW - 1,
      journeyId: 'j-1',
      provider: 'acme',
    });
    const event = eventAt(2n ** 64n - 1n, record);
    expect(events([{ event, outcome: 'counted' }], [])).toEqual([
      {
        ...nothing,
        position: 2n ** 64n - 1n,
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
      },
    ]);
  });

  it('writes a void with what it takes back', () => {
    const takesBack: KnownInteraction = {
      position: 77n,
      occurredAt: NOW - 9,
      channel: 'voice',
      direction: 'inbound',
      contentHash: 2n ** 63n,
      suppressed: false,
    };
    const event = eventAt(78n, voided({ reason: 'sent in error', voidedAt: -1 }));
    expect(events([{ event, outcome: 'void', takesBack }], [])).toMatchObject([
      {
        position: 78n,
        outcome: 4,
        event_id: 'e-1',
        event_key: event.eventKey.toString('hex'),
        channel: 3,
        direction: 1,
        occurred_at: BigInt(NOW - 9),
        content_hash: 2n ** 63n,
        taken_back_position: 77n,
        voided_at: -1n,
        void_reason: 'sent in error',
      },
    ]);
  });

  it('writes a void that takes nothing back', () => {
    const row = { taken_back_position: 0n, occurred_at: 0n, channel: 0, direction: 0, content_hash: 0n };
    const [written] = events([{ event: eventAt(1n, voided()), outcome: 'void' }], []);
    expect(written).toMatchObject({ ...row, outcome: 4, voided_at: BigInt(NOW), void_reason: 'why' });
  });

  it.each(OUTCOMES.slice(0, 5).map((outcome, index) => [outcome as Outcome, index + 1] as const))(
    'numbers the outcome %s %i',
    (outcome, number) => {
      expect(events([{ event: eventAt(1n, interaction()), outcome }], [])).toMatchObject([{ outcome: number }]);
    },
  );

  it('writes positions that hold nothing', () => {
    const rows = events(
      [],
      [
        { position: 1n, outcome: 'dead-letter' },
        { position: 2n, outcome: 'control' },
      ],
    );
    expect(rows).toEqual([
      { ...nothing, position: 1n, outcome: 6 },
      { ...nothing, position: 2n, outcome: 7 },
    ]);
  });

  it('writes as many rows as there are positions, in their order', () => {
    const many = Array.from({ length: 2_000 }, (_, at) =>
      eventAt(BigInt(at), interaction({ eventId: `e-${at % 900}` })),
    );
    const rows = events(decide(many, new Map()), [{ position: 2_000n, outcome: 'control' }]);
    expect(rows.map(({ position }) => position)).toEqual(Array.from({ length: 2_001 }, (_, at) => BigInt(at)));
    expect(rows.filter(({ outcome }) => outcome === 1)).toHaveLength(900);
  });
});

describe('encodeProfiles', () => {
  it('writes records with their identifiers’ keys and none of their values', () => {
    const key = Buffer.alloc(16, 7);
    const bytes = encodeProfiles(
      [
        {
          position: 5n,
          record: profile({ changedAt: -1 }).value,
          identifiers: [
            { kind: 'email', key },
            { kind: 'phone', key },
          ],
        },
        { position: 6n, record: profile({ operation: 'delete' }).value, identifiers: [] },
      ],
      [{ position: 7n, outcome: 'dead-letter' }],
    );
    const contoso = { tenant_id: 'contoso', environment_id: 'prod', source: 'crm', record_id: 'r-1', outcome: 1 };
    const hex = key.toString('hex');
    const identifiers = { identifier_kinds: ['email', 'phone'], identifier_keys: [hex, hex] };
    const none = { identifier_kinds: [], identifier_keys: [] };
    expect(readRows(bytes, INGEST_PROFILE_COLUMNS, ingestProfiles)).toEqual([
      { ...contoso, ...identifiers, position: 5n, deleted: 0, changed_at: -1n },
      { ...contoso, ...none, position: 6n, deleted: 1, changed_at: BigInt(NOW) },
      {
        ...none,
        position: 7n,
        outcome: 6,
        tenant_id: '',
        environment_id: '',
        source: '',
        record_id: '',
        deleted: 0,
        changed_at: 0n,
      },
    ]);
    expect(bytes.includes('lamar')).toBe(false);
  });
});
