import { getDocument, type PDFDocumentProxy } from 'pdfjs-dist/legacy/build/pdf.mjs';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Statement } from '../../document.ts';
import { crowdedStatement, emptyStatement, overrunStatement } from '../sample.ts';
import { axisOf, compact } from './chart.ts';
import { canWrite, runsOf } from './fonts.ts';
import { pdfOf } from './index.ts';

interface Opened {
  document: PDFDocumentProxy;
  /** The lines of each page's text. */
  pages: string[];
  text: string;
}

async function open(statement: Statement): Promise<Opened> {
  const data = new Uint8Array(await pdfOf(statement));
  const document = await getDocument({ data, verbosity: 0 }).promise;
  const pages: string[] = [];
  for (let number = 1; number <= document.numPages; number++) {
    const { items } = await (await document.getPage(number)).getTextContent();
    pages.push(items.map((item) => ('str' in item ? `${item.str}${item.hasEOL ? '\n' : ''}` : '')).join(''));
  }
  return { document, pages, text: pages.join('\n') };
}

describe('the page of a month over its quotas', () => {
  let opened: Opened;
  beforeAll(async () => {
    opened = await open(overrunStatement());
  });

  test('says on one page who, when, how much, and what is to buy', () => {
    const statement = overrunStatement();
    const { pages, text } = opened;
    expect(pages).toHaveLength(1);
    for (const part of [
      'contoso',
      'October 2026',
      'Statement 22',
      'Issued 4 November 2026, 06:00 UTC, by schedule',
      'Over quota in October 2026: interactions by 21,204; engaged people by 1,480 on 17 October 2026.',
      '171,204',
      '114.1%',
      '16,480',
      'To buy for the licence year so far: 2,121 engaged people, 0 unified people.',
      '−12',
      'taken back afterwards',
      'Production Europe',
      'not registered',
      'ci-interacted-people-t1',
      '31 December 2026',
      'all, outbound-only from 2026-10-15',
      statement.digest,
      statement.previousDigest ?? '',
      'Page 1 of 1',
    ]) {
      expect(text).toContain(part);
    }
  });

  test('has a title, a language, the time it was issued at and tags, with the chart in words', async () => {
    const { document } = opened;
    const { info } = await document.getMetadata();
    expect(info).toMatchObject({
      Title: 'Usage statement of contoso, October 2026',
      Language: 'en',
      CreationDate: 'D:20261104060012Z',
    });
    expect(await document.getMarkInfo()).toMatchObject({ Marked: true });
    const tags = JSON.stringify(await (await document.getPage(1)).getStructTree());
    for (const role of ['H1', 'H2', 'Table', 'TR', 'TH', 'TD']) expect(tags).toContain(`"role":"${role}"`);
    expect(tags).toContain('October 2026: 171,204 of 150,000.');
  });
});

test('a tenant without licence, usage or statement before has a page', async () => {
  const { pages, text } = await open(emptyStatement());
  expect(pages).toHaveLength(1);
  expect(text).toContain('No quota was owned in October 2026, and none was needed.');
  expect(text).toContain('The tenant held no licence');
  expect(text).toContain('nothing used, nothing owned');
  expect(text).toContain('none, this is the first');
  expect(text).not.toMatch(/NaN|undefined|null|Infinity/);
});

test('an environment may be called as what every object has, and be in some of the meters only', async () => {
  const interactions = { ...emptyStatement().interactions, byEnvironment: { constructor: 3, prod: 2 } };
  const { text } = await open({ ...emptyStatement(), interactions });
  expect(text.replaceAll(/\s+/g, ' ')).toMatch(/constructor not registered 3 0 0 prod not registered 2 0 0/);
});

test('many environments and licences are cut to the largest, adjustments go on on the next page', async () => {
  const statement = crowdedStatement();
  const { pages, text } = await open(statement);
  expect(pages).toHaveLength(3);
  for (const [index, page] of pages.entries()) {
    expect(page).toContain(`Page ${index + 1} of 3`);
    expect(page).toContain(statement.digest);
  }
  expect(text).toContain(statement.tenantId);
  expect(text).toContain('92 others');
  expect(text).toContain('28 others');
  expect(text.match(/(became known|taken back) afterwards/g)).toHaveLength(statement.adjustments.length);
  expect(text).toContain('13,580,246,790');
  expect(text).toContain('A name that somebody');
  expect(text).not.toContain('to show in full');
});

test.each([
  ['Übergröße', ['regular-0']],
  ['Łódź', ['regular-1', 'regular-0', 'regular-1']],
  ['Киев', ['regular-4']],
  ['بيئة', ['regular-7']],
])('%s is written with %j', (text, fonts) => {
  const runs = runsOf(text, 'regular');
  expect(runs.map(({ text: part }) => part).join('')).toBe(text);
  expect(runs.map(({ font }) => font)).toEqual(fonts);
  expect(canWrite(text)).toBe(true);
});

test('what no font can write is marked, what would turn the text around is left out', () => {
  expect(canWrite('東京')).toBe(false);
  const plain = runsOf('a\u202etxt.\nb \ud800 東', 'bold').map(({ text }) => text);
  expect(plain.join('')).toBe('atxt. b \ufffd \ufffd');
});

test.each([
  [0, { step: 1, top: 1 }],
  [3, { step: 1, top: 3 }],
  [10, { step: 5, top: 10 }],
  [171_204, { step: 50_000, top: 200_000 }],
  [1_000_000, { step: 250_000, top: 1_000_000 }],
  [11_111_111_010, { step: 5_000_000_000, top: 15_000_000_000 }],
])('the axis for up to %d', (largest, axis) => {
  expect(axisOf(largest)).toEqual(axis);
});

test.each([
  [0, '0'],
  [750, '750'],
  [2_500, '2.5k'],
  [750_000, '750k'],
  [1_250_000, '1.25M'],
  [5e9, '5bn'],
])('%d is %s on an axis', (value, text) => {
  expect(compact(value)).toBe(text);
});
