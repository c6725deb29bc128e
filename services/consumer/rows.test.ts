/**
 * The rows are read back by a reader of this file, column by column in the order that the insert names.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { OUTCOME } from './outcome.ts';
import { encodeProfiles, INGEST_PROFILE_COLUMNS } from './rows.ts';
import { NOW, profile } from './test-events.ts';

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

describe('the table', () => {
  test('has the columns that are inserted, and no others', () => {
    expect([...ingestProfiles.keys()].sort()).toEqual([...INGEST_PROFILE_COLUMNS].sort());
  });

  test('numbers outcomes as the rows do', () => {
    expect(enumOf(ingestProfiles.get('outcome'))).toEqual(Object.entries(OUTCOME));
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
