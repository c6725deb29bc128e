/**
 * The lower half of the page: the licence year, where the usage came from, what was bought, what was adjusted.
 */
import { addDays, countOf } from '@tally/metering';
import type { Statement } from '../../document.ts';
import { count, dayName, FIGURE_NAMES, largestFirst, monthBrief, monthName, NONE, reasonOf, signed } from '../words.ts';
import { canWrite } from './fonts.ts';
import { COLOUR, LEFT, type Paper, WIDTH } from './paper.ts';
import { gap, heading, note, type TableCell, type TableRow, tableSection } from './table.ts';

const ENVIRONMENTS_MAX = 8;
const LICENCES_MAX = 12;
const STRIP_HEIGHT = 22;
const STRIP_TITLE_WIDTH = 86;
const STRIP_COLUMNS_MIN = 6;

export function drawLicenceYear(paper: Paper, { licenceYear }: Statement): void {
  if (!licenceYear) {
    paper.within('Sect', () => {
      heading(paper, 'Licence year', 16);
      note(paper, 'The tenant held no licence, so there is no licence year to own quota for.');
    });
    gap(paper);
    return;
  }
  const { from, until, engagedPeople, interactions, unifiedPeople, peopleToBuy, unifiedPeopleToBuy } = licenceYear;
  const days = (name: string, { peak, peakDay, shortfall, shortfallDay }: typeof engagedPeople): TableRow => [
    name,
    count(peak),
    peakDay === null ? NONE : dayName(peakDay),
    missing(shortfall),
    shortfallDay === null ? NONE : dayName(shortfallDay),
  ];
  const { peak, peakMonth, shortfallPeople, shortfallMonth } = interactions;
  const columns = [
    { title: 'Meter', share: 110 },
    { title: 'Highest so far', share: 85, right: true },
    { title: 'on', share: 100 },
    { title: 'Most missing, in people', share: 100, right: true },
    { title: 'on', share: 100 },
  ];
  const title = `Licence year, ${dayName(from)} to ${dayName(addDays(until, -1))}`;
  tableSection(paper, title, columns, [
    [
      'Interactions in a month',
      count(peak),
      peakMonth === null ? NONE : monthName(peakMonth),
      missing(shortfallPeople),
      shortfallMonth === null ? NONE : monthName(shortfallMonth),
    ],
    days('Engaged people', engagedPeople),
    days('Unified people', unifiedPeople),
  ]);
  paper.y -= 8;
  drawToBuy(paper, peopleToBuy, unifiedPeopleToBuy);
}

function missing(people: number) {
  return people === 0 ? '0' : { text: count(people), colour: COLOUR.over, weight: 'bold' as const };
}

function drawToBuy(paper: Paper, people: number, unified: number): void {
  const text =
    people === 0 && unified === 0
      ? 'Nothing to buy for the licence year so far.'
      : `To buy for the licence year so far: ${count(people)} engaged people, ${count(unified)} unified people.`;
  paper.tagged('P', () => paper.write(text, LEFT, paper.y + 9, { weight: 'bold' }));
  paper.y += 12;
  gap(paper);
}

/** What the month's figures are made of, largest first. */
export function drawBreakdowns(paper: Paper, { interactions, engagedPeople }: Statement): void {
  const strips = [
    { title: 'Interactions', by: 'by channel', counts: largestFirst(interactions.byChannel) },
    { title: 'Engaged people', by: 'by entity type', counts: largestFirst(engagedPeople.byEntityType) },
  ].filter(({ counts }) => counts.length > 0);
  if (strips.length === 0) return;
  const columns = Math.max(STRIP_COLUMNS_MIN, ...strips.map(({ counts }) => counts.length));
  const width = (WIDTH - STRIP_TITLE_WIDTH) / columns;
  paper.within('Sect', () => {
    heading(paper, 'Where the usage came from', strips.length * STRIP_HEIGHT);
    for (const { title, by, counts } of strips) {
      drawPair(paper, LEFT, STRIP_TITLE_WIDTH, by, { text: title, weight: 'bold' });
      for (const [index, [name, value]] of counts.entries()) {
        drawPair(paper, LEFT + STRIP_TITLE_WIDTH + index * width, width, name.replaceAll('_', ' '), {
          text: count(value),
        });
      }
      paper.y += STRIP_HEIGHT;
    }
  });
  gap(paper);
}

/** Something, and under it in small letters what it is. */
function drawPair(paper: Paper, x: number, width: number, label: string, { text, ...style }: TableCell): void {
  paper.tagged('P', () => {
    paper.write(text, x, paper.y + 8.5, { ...style, width: width - 6 });
    paper.write(label, x, paper.y + 17.5, { size: 7, colour: COLOUR.grey, width: width - 6 });
  });
}

export function drawAdjustments(paper: Paper, { adjustments }: Statement): void {
  if (adjustments.length === 0) return;
  const columns = [
    { title: 'Month', share: 46 },
    { title: 'Figure', share: 132 },
    { title: 'Stated', share: 66, right: true },
    { title: 'Known now', share: 66, right: true },
    { title: 'Difference', share: 70, right: true },
    { title: 'Why', share: 116 },
  ];
  const rows = adjustments.map((adjustment) => [
    monthBrief(adjustment.month),
    FIGURE_NAMES[adjustment.figure],
    count(adjustment.stated),
    count(adjustment.known),
    { text: signed(adjustment.difference), weight: 'bold' as const },
    { text: reasonOf(adjustment), size: 7.2, colour: COLOUR.grey },
  ]);
  tableSection(paper, 'Adjustments to earlier months', columns, rows);
  paper.y -= 6;
  note(
    paper,
    'Late events add to a month, voids take from it, a new counting policy may do either. Statements issued before stay as they are.',
  );
  gap(paper);
}

/** The environments with the most interactions, and all others in one line. */
export function drawEnvironments(paper: Paper, statement: Statement): void {
  const rows = environmentRows(statement);
  if (rows.length === 0) return;
  const columns = [
    { title: 'Environment', share: 118 },
    { title: 'Name', share: 130 },
    { title: 'Type', share: 58 },
    { title: 'Geo', share: 34 },
    { title: 'Interactions', share: 62, right: true },
    { title: 'Engaged', share: 62, right: true },
    { title: 'Unified', share: 62, right: true },
  ];
  tableSection(paper, 'Environments', columns, rows);
}

function environmentRows({ environments, interactions, engagedPeople, unifiedPeople }: Statement): TableRow[] {
  const meters = [interactions.byEnvironment, engagedPeople.byEnvironment, unifiedPeople.byEnvironment];
  const about = new Map(environments.map((environment) => [environment.id, environment]));
  const ids = new Set([...about.keys(), ...meters.flatMap(Object.keys)]);
  const used = (id: string): number[] => meters.map((counts) => countOf(counts, id));
  const sorted = [...ids]
    .map((id) => ({ id, used: used(id) }))
    .sort((a, b) => descending(a.used, b.used) || (a.id < b.id ? -1 : 1));
  const shown = sorted.length > ENVIRONMENTS_MAX + 1 ? sorted.slice(0, ENVIRONMENTS_MAX) : sorted;
  const others = sorted.slice(shown.length);
  const rows: TableRow[] = shown.map(({ id, used: figures }) => {
    const { registered = false, name = '', type = '', geo = '' } = about.get(id) ?? {};
    // A name that no font can write says nothing; the id beside it does.
    const called = registered ? { text: canWrite(name) ? name : '' } : { text: 'not registered', colour: COLOUR.grey };
    return [id, called, type, geo, ...figures.map(count)];
  });
  if (others.length === 0) return rows;
  const sums = meters.map((_, index) => others.reduce((sum, other) => sum + (other.used[index] ?? 0), 0));
  const rest = { text: `${count(others.length)} others`, colour: COLOUR.grey };
  return [...rows, [rest, { text: 'each in the workbook', colour: COLOUR.grey }, '', '', ...sums.map(count)]];
}

function descending(a: readonly number[], b: readonly number[]): number {
  return a.map((value, index) => (b[index] ?? 0) - value).find((difference) => difference !== 0) ?? 0;
}

export function drawLicences(paper: Paper, { licences }: Statement): void {
  if (licences.length === 0) return;
  const columns = [
    { title: 'Licence', share: 170 },
    { title: 'Quantity', share: 60, right: true },
    { title: 'Pack size', share: 70, right: true },
    { title: 'First day', share: 100 },
    { title: 'Last day', share: 100 },
  ];
  const shown = licences.length > LICENCES_MAX + 1 ? licences.slice(0, LICENCES_MAX) : licences;
  const rows: TableRow[] = shown.map(({ sku, quantity, packSize, startsOn, endsOn }) => [
    sku,
    count(quantity),
    packSize === undefined ? NONE : count(packSize),
    dayName(startsOn),
    endsOn === null ? 'open' : dayName(addDays(endsOn, -1)),
  ]);
  const others = licences.length - shown.length;
  if (others > 0) rows.push([{ text: `${count(others)} others, each in the workbook`, colour: COLOUR.grey }]);
  tableSection(paper, 'Licences in the month', columns, rows);
}

/** What the figures rest on; the positions themselves are in the other files. */
export function drawBasis(paper: Paper, { policy, evidence, unifiedPeople }: Statement): void {
  const partitions = Object.keys(evidence.positions).length;
  const parts = [
    `Counting policy of the figures: ${policy}.`,
    evidence.licenceVersion === null
      ? 'No licences were ever recorded.'
      : `Licences: version ${evidence.licenceVersion}; catalogue: version ${count(evidence.catalogueVersion)}.`,
    partitions === 0
      ? ''
      : `Counted up to named offsets of ${count(partitions)} log partitions; the workbook lists them.`,
    unifiedPeople.known ? '' : 'No figure of unified people was published up to the last day.',
    'Months and days are UTC. An interaction counts once, in the month in which it happened.',
  ];
  paper.within('Sect', () => {
    heading(paper, 'What the figures rest on', 20);
    note(paper, parts.filter((part) => part !== '').join(' '));
  });
}
