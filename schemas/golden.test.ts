/**
 * What was once written can always be read. The bytes in `golden/` were not made by the encoder under test; a new schema
 * version adds a file there and a line to `versions.json`, and nothing there is ever changed.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CHANNELS, DIRECTIONS, ENTITY_TYPES, PROFILE_OPERATIONS, type TallyRecord } from './records.ts';
import { decodeRecord, encodeRecord, VERSIONS } from './single-object.ts';

interface Shipped {
  name: TallyRecord['schema'];
  version: number;
  file: string;
  fingerprint: string;
  sha256: string;
}

interface Golden {
  name: string;
  record: TallyRecord['value'];
  hex: string;
}

const folder = new URL('.', import.meta.url);

function parse<Content>(path: string): Content {
  return JSON.parse(readFileSync(new URL(path, folder), 'utf8'));
}

function goldenFile(avsc: string): string {
  return `golden/${avsc.replace(/\.avsc$/, '.json')}`;
}

const shipped = parse<Shipped[]>('golden/versions.json');
const newest = new Map(shipped.map(({ name, version }) => [name, version]));

describe('the schema versions', () => {
  test('keep every one that was shipped, with its fingerprint', () => {
    const there = VERSIONS.map(({ name, version, file, fingerprint }) => ({ name, version, file, fingerprint }));
    expect(there).toEqual(shipped.map(({ sha256: _, ...version }) => version));
  });

  test.each(shipped)('keep the file $file as it was shipped; a change needs a new version', ({ file, sha256 }) => {
    const bytes = readFileSync(new URL(`avro/${file}`, folder));
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
  });

  test('list every schema file', () => {
    expect(VERSIONS.map(({ file }) => file).sort()).toEqual(readdirSync(new URL('avro', folder)).sort());
  });

  test.each(VERSIONS)('have golden bytes for $file', ({ file }) => {
    expect(existsSync(new URL(goldenFile(file), folder))).toBe(true);
    expect(parse<Golden[]>(goldenFile(file)).length).toBeGreaterThan(10);
  });

  test('count up from 1 within a name, so that the last is the newest', () => {
    for (const name of newest.keys()) {
      const versions = VERSIONS.filter((version) => version.name === name).map(({ version }) => version);
      expect(versions).toEqual(versions.map((_, index) => index + 1));
    }
  });

  test('carry the fingerprints that producers were told', () => {
    const first = VERSIONS.filter(({ version }) => version === 1);
    expect(Object.fromEntries(first.map(({ name, fingerprint }) => [name, fingerprint]))).toEqual({
      Interaction: 'fb214faf0a2040bd',
      InteractionVoided: '591094c1d20acb8c',
      ProfileRecord: 'ade60e5a96bba616',
    });
  });
});

describe.each(shipped)('$name version $version', ({ name, version, file, fingerprint }) => {
  const cases = parse<Golden[]>(goldenFile(file));

  test.each(cases)('reads: $name', ({ record, hex }) => {
    expect(hex.slice(0, 20)).toBe(`c301${fingerprint}`);
    expect(decodeRecord(Buffer.from(hex, 'hex'))).toEqual({ ok: true, record: { schema: name, value: record } });
  });

  test.runIf(newest.get(name) === version).each(cases)('writes: $name', ({ record, hex }) => {
    expect(encodeRecord({ schema: name, value: record } as TallyRecord).toString('hex')).toBe(hex);
  });
});

test('the golden bytes hold every symbol of every enum', () => {
  const all = shipped.flatMap(({ file }) => parse<Golden[]>(goldenFile(file)).map(({ record }) => record));
  const seen = new Set(all.flatMap((record) => Object.entries(record).map(([field, value]) => `${field} ${value}`)));
  const wanted = [
    ...ENTITY_TYPES.map((symbol) => `entityType ${symbol}`),
    ...CHANNELS.map((symbol) => `channel ${symbol}`),
    ...DIRECTIONS.map((symbol) => `direction ${symbol}`),
    ...PROFILE_OPERATIONS.map((symbol) => `operation ${symbol}`),
  ];
  expect(wanted.filter((symbol) => !seen.has(symbol))).toEqual([]);
});
