import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';
import type { Statement } from '../document.ts';
import { type CSV_COLUMNS, csvOf } from './csv.ts';
import { crowdedStatement, emptyStatement, overrunStatement } from './sample.ts';
import { changedLeaves } from './sample-leaves.ts';

type CsvRow = Record<(typeof CSV_COLUMNS)[number], string>;

function read(statement: Statement): CsvRow[] {
  return parse(Buffer.from(csvOf(statement)), { columns: true, record_delimiter: '\r\n' });
}

test('every row names the statement, and numbers stand apart from texts', () => {
  const rows = read(overrunStatement());
  for (const row of rows) {
    expect(row).toMatchObject({ tenant: 'contoso', month: '2026-10', number: '22' });
    expect(row.value === '' || row.text === '').toBe(true);
    expect(Number.isNaN(Number(row.value))).toBe(false);
    expect(row.unit === '').toBe(row.value === '' && row.figure !== 'share');
  }
});

test.each([
  ['interactions', 'used', 'month', '2026-10', '171204', 'interactions'],
  ['interactions', 'used', 'channel', 'sms', '20200', 'interactions'],
  ['engagedPeople.peak', 'overage', 'day', '2026-10-17', '1480', 'people'],
  ['engagedPeople', 'used', 'entity type', 'lead', '2012', 'people'],
  ['adjustments', 'interactions.difference', 'month', '2026-09', '-12', 'interactions'],
  ['year', 'engagedPeople.owned', 'month', '2026-01', '10000', 'people'],
  ['licences', 'packSize', 'licence line', '2', '5000', 'people'],
  ['evidence', 'positions', 'topic/partition', 'tally.interactions.v1/0', '1099511627775', 'offset'],
])('%s %s of %s %s is %s', (section, figure, dimension, key, value, unit) => {
  const found = read(overrunStatement()).filter((row) => row.section === section && row.figure === figure);
  expect(found.find((row) => row.dimension === dimension && row.key === key)).toMatchObject({ value, unit });
});

test('it holds both digests', () => {
  const statement = overrunStatement();
  const texts = new Map(read(statement).map(({ figure, text }) => [figure, text]));
  expect(texts.get('digest')).toBe(statement.digest);
  expect(texts.get('previousDigest')).toBe(statement.previousDigest);
});

test('whatever is changed in a statement changes the file', () => {
  const before = Buffer.from(csvOf(overrunStatement()));
  const changes = changedLeaves(overrunStatement());
  expect(changes.length).toBeGreaterThan(200);
  const unseen = changes.filter(({ statement }) => before.equals(Buffer.from(csvOf(statement))));
  expect(unseen.map(({ path }) => path)).toEqual([]);
});

test('a statement of nothing has its figures too', () => {
  const owned = read(emptyStatement()).filter(({ figure }) => figure === 'owned');
  expect(owned.map(({ value }) => value)).toEqual(['0', '0', '0', '0', '0']);
});

describe('a text that a spreadsheet would run', () => {
  test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\tx', '\rx', '\uff1dx'])('%j gets an apostrophe', (name) => {
    const statement = overrunStatement({ environments: [{ id: 'prod', registered: true, name }] });
    const row = read(statement).find(({ section, figure }) => section === 'environments' && figure === 'name');
    expect(row?.text).toBe(`'${name}`);
  });

  test('quotes, commas, lines and other alphabets come back as they were', () => {
    const texts = read(crowdedStatement()).filter(
      ({ section, figure }) => section === 'environments' && figure === 'name',
    );
    const names = crowdedStatement().environments.flatMap(({ name }) => (name === undefined ? [] : [name]));
    expect(texts.map(({ text }) => text.replace(/^'=/, '='))).toEqual(names);
  });
});
