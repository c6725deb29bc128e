import readExcelFile from 'read-excel-file/node';
import { afterEach, describe, expect, test } from 'vitest';
import type { Statement } from '../document.ts';
import { crowdedStatement, emptyStatement, overrunStatement } from './sample.ts';
import { changedLeaves } from './sample-leaves.ts';
import { sheetsOf } from './sheets.ts';
import { xlsxOf } from './xlsx.ts';

const zoneBefore = process.env['TZ'];
type Cells = readonly (readonly unknown[])[];

afterEach(() => {
  if (zoneBefore === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zoneBefore;
});

async function read(statement: Statement): Promise<Record<string, Cells>> {
  const sheets = await readExcelFile(Buffer.from(await xlsxOf(statement)));
  return Object.fromEntries(sheets.map(({ sheet, data }) => [sheet, data]));
}

const utc = (text: string): Date => new Date(text.length === 10 ? `${text}T00:00:00Z` : text);

describe.each(['America/Los_Angeles', 'UTC', 'Asia/Tokyo'])('in %s', (zone) => {
  test('figures come back as numbers, days as the same UTC days, moments to the second', async () => {
    process.env['TZ'] = zone;
    const statement = overrunStatement();
    const sheets = await read(statement);
    const rows = new Map(sheets['Statement']?.map(([name, ...cells]) => [name, cells]));
    const { engagedPeople: engaged, interactions } = statement;
    expect(rows.get('Interactions')?.slice(0, 4)).toEqual([utc('2026-10-01'), 171_204, utc('2026-10-01'), 2_121]);
    expect(rows.get('Engaged people, highest day')).toEqual([
      utc('2026-10-17'),
      15_000,
      16_480,
      0,
      1_480,
      engaged.peak.share,
    ]);
    expect(rows.get('Most interactions on a day')?.slice(0, 3)).toEqual([
      utc(interactions.peakDay?.day ?? ''),
      null,
      9_120,
    ]);
    const issued = rows.get('Issued at (UTC)')?.[0];
    expect(issued instanceof Date && Math.abs(issued.getTime() - Date.parse(statement.issuedAt))).toBeLessThan(1_000);
  });
});

test('the months are those of the chart, with real dates', async () => {
  const statement = overrunStatement();
  const [header, ...months] = (await read(statement))['Months'] ?? [];
  expect(header?.[0]).toBe('Month');
  expect(months).toEqual(
    statement.year.map(({ month, interactions, engagedPeople, unifiedPeople }) => [
      utc(`${month}-01`),
      ...[interactions, engagedPeople, unifiedPeople].flatMap(({ used, owned }) => [used, owned]),
    ]),
  );
});

test('adjustments, licences and evidence are whole', async () => {
  const statement = crowdedStatement();
  const sheets = await read(statement);
  const adjustments = sheets['Adjustments']?.slice(1).map(([month, , ...cells]) => [month, ...cells.slice(0, 3)]);
  expect(adjustments).toEqual(
    statement.adjustments.map(({ month, stated, known, difference }) => [
      utc(`${month}-01`),
      stated,
      known,
      difference,
    ]),
  );
  expect(sheets['Licences']?.slice(1)).toEqual(
    statement.licences.map(({ sku, quantity, packSize, startsOn, endsOn }) => [
      sku,
      quantity,
      packSize,
      utc(startsOn),
      endsOn === null ? null : utc(endsOn),
    ]),
  );
  const evidence = sheets['Evidence']?.map((row) => row.join('|')) ?? [];
  expect(evidence).toContain(`Digest|||${statement.digest}`);
  expect(evidence).toContain('Counted up to|tally.interactions.v1/0|1099511627775|');
});

test('names are texts, whatever they look like, and a character that XML has not is replaced', async () => {
  const name = '=1+1 \u0001 <b> & \u{1f680} \ud800';
  const statement = overrunStatement({ environments: [{ id: 'prod', registered: true, name, type: '-1' }] });
  const rows = (await read(statement))['Breakdown']?.filter(([, by, key]) => by === 'environment' && key === 'prod');
  expect(rows?.[0]?.slice(4)).toEqual(['=1+1 \u25a1 <b> & \u{1f680} \u25a1', '-1', null, 'yes']);
});

test('a tenant without anything has every sheet', async () => {
  const sheets = await read(emptyStatement());
  expect(Object.keys(sheets)).toEqual(['Statement', 'Months', 'Breakdown', 'Adjustments', 'Licences', 'Evidence']);
});

test('whatever is changed in a statement changes the workbook', () => {
  const before = JSON.stringify(sheetsOf(overrunStatement()));
  const unseen = changedLeaves(overrunStatement()).filter(
    ({ statement }) => JSON.stringify(sheetsOf(statement)) === before,
  );
  expect(unseen.map(({ path }) => path)).toEqual([]);
});
