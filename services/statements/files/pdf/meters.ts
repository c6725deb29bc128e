/**
 * The upper half of the page: who and when, whether the quotas held, the three meters, the year.
 */
import type { Statement } from '../../document.ts';
import { count, dayName, momentName, monthName, NONE, percent, verdictOf } from '../words.ts';
import { drawChart } from './chart.ts';
import { COLOUR, LEFT, type Paper, RIGHT, WIDTH } from './paper.ts';
import { gap, type TableCell, type TableColumn, type TableRow, tableSection } from './table.ts';

const HEADER_HEIGHT = 58;
/** The largest in which the tenant's id, up to 64 characters, has room. */
const TENANT_SIZES = [19, 16, 13, 11, 9, 8];
const TENANT_SIZE_MIN = 7;
const VERDICT_HEIGHT = 22;
const VERDICT_LINE_HEIGHT = 12;
const CHART_HEIGHT = 107;
const CHART_GAP = 20;

export function drawHead(paper: Paper, { tenantId, month, number, issuedAt, issuedBy, period }: Statement): void {
  const { y } = paper;
  const right = { align: 'right', width: WIDTH / 2, size: 8.5, colour: COLOUR.grey } as const;
  const middle = LEFT + WIDTH / 2;
  paper.tagged('H1', () => {
    paper.write('Usage statement', LEFT, y + 10, { size: 9, colour: COLOUR.grey, width: WIDTH / 3 });
    const width = WIDTH * 0.64;
    const size = TENANT_SIZES.find((each) => paper.widthOf(tenantId, each, 'bold') <= width) ?? TENANT_SIZE_MIN;
    paper.write(tenantId, LEFT, y + 33, { size, weight: 'bold', width });
  });
  paper.tagged('P', () => {
    const text = `${dayName(period.firstDay)} to ${dayName(period.lastDay)}, UTC`;
    paper.write(text, LEFT, y + 49, { size: 8.5, colour: COLOUR.grey, width: WIDTH * 0.4 });
  });
  paper.tagged('P', () => paper.write(`Statement ${count(number)}`, middle, y + 10, right));
  paper.tagged('P', () =>
    paper.write(monthName(month), LEFT + WIDTH * 0.66, y + 33, {
      ...right,
      width: WIDTH * 0.34,
      size: 15,
      weight: 'bold',
      colour: COLOUR.ink,
    }),
  );
  paper.tagged('P', () => {
    const text = `Issued ${momentName(issuedAt)}, by ${issuedBy}`;
    paper.write(text, LEFT + WIDTH * 0.42, y + 49, { ...right, width: WIDTH * 0.58 });
  });
  paper.y += HEADER_HEIGHT;
}

/** One sentence that says whether something has to be bought. */
export function drawVerdict(paper: Paper, statement: Statement): void {
  const { kind, text } = verdictOf(statement);
  const [tint, colour] = kind === 'over' ? [COLOUR.overTint, COLOUR.over] : [COLOUR.withinTint, COLOUR.within];
  const lines = paper.lines(text, WIDTH - 24, 9, 'bold');
  const height = VERDICT_HEIGHT + (lines.length - 1) * VERDICT_LINE_HEIGHT;
  paper.decoration(() => {
    paper.box(LEFT, paper.y, WIDTH, height, tint);
    paper.box(LEFT, paper.y, 3, height, colour);
  });
  paper.tagged('P', () => {
    for (const [index, line] of lines.entries()) {
      paper.write(line, LEFT + 12, paper.y + 14.3 + index * VERDICT_LINE_HEIGHT, { size: 9, weight: 'bold', colour });
    }
  });
  paper.y += height;
  gap(paper);
}

const METER_COLUMNS: readonly TableColumn[] = [
  { title: 'Meter', share: 92 },
  { title: 'Month or day', share: 92 },
  { title: 'Owned', share: 72, right: true },
  { title: 'Used', share: 72, right: true },
  { title: 'Over', share: 72, right: true },
  { title: 'Used of owned', share: 100, right: true },
];

export function drawMeters(paper: Paper, { month, interactions, engagedPeople, unifiedPeople }: Statement): void {
  tableSection(paper, 'Usage against quota', METER_COLUMNS, [
    meterRow(paper, 'Interactions', monthName(month), interactions),
    ...busiestDayRows(interactions),
    ...peopleRows(paper, 'Engaged people', engagedPeople),
    ...(unifiedPeople.known ? peopleRows(paper, 'Unified people', unifiedPeople) : [unknownRow(unifiedPeople)]),
  ]);
}

type Quota = Omit<Statement['engagedPeople']['peak'], 'day'>;

function meterRow(paper: Paper, name: string, when: string, quota: Quota): TableRow {
  const over: TableCell = { text: quota.overage === 0 ? '0' : count(quota.overage) };
  if (quota.overage > 0) Object.assign(over, { colour: COLOUR.over, weight: 'bold' });
  const owned = { text: count(quota.owned) };
  const used: TableCell = { text: count(quota.used), weight: 'bold' };
  return [{ text: name, weight: 'bold' }, when, owned, used, over, shareCell(paper, quota)];
}

function peopleRows(paper: Paper, name: string, meter: Statement['engagedPeople'] | Statement['unifiedPeople']) {
  const { day, peak, worst } = meter;
  const lesser = (text: string, quota: Statement['engagedPeople']['peak']): TableRow => {
    const [, , owned = '', used = '', over = '', share = ''] = meterRow(paper, '', '', quota);
    const plain: TableCell = typeof used === 'string' ? { text: used } : { ...used, weight: 'regular' };
    return [{ text, colour: COLOUR.grey }, dayName(quota.day), owned, plain, over, share];
  };
  return [
    meterRow(paper, name, dayName(day), meter),
    lesser('highest day', peak),
    ...(worst && worst.day !== peak.day ? [lesser('most missing', worst)] : []),
  ];
}

/** A day has no allowance of its own. */
function busiestDayRows({ peakDay }: Statement['interactions']): TableRow[] {
  if (!peakDay) return [];
  return [[{ text: 'busiest day', colour: COLOUR.grey }, dayName(peakDay.day), '', count(peakDay.used)]];
}

function unknownRow({ owned }: Statement['unifiedPeople']): TableRow {
  return [{ text: 'Unified people', weight: 'bold' }, 'never worked out', count(owned), NONE, NONE, NONE];
}

/** A bar whose blue part is what was owned, where more was used; with the share in figures. */
function shareCell(paper: Paper, { owned, used, share }: Quota): TableCell {
  const text = percent(share);
  return {
    text,
    draw: (x, y, width) => {
      const bar = { y: y + 4.2, width: width - 42, height: 5.2 };
      const all = Math.max(owned, used);
      paper.box(x, bar.y, bar.width, bar.height, COLOUR.track);
      if (all === 0) return;
      const within = (Math.min(owned, used) / all) * bar.width;
      paper.box(x, bar.y, within, bar.height, COLOUR.used);
      if (used <= owned) return;
      paper.box(x + within, bar.y, bar.width - within, bar.height, COLOUR.over);
      paper.line([x + within, bar.y - 1.5], [x + within, bar.y + bar.height + 1.5], COLOUR.ink, 0.8);
    },
  };
}

export function drawYear(paper: Paper, { year }: Statement): void {
  if (!paper.fits(CHART_HEIGHT)) paper.newPage();
  const width = (RIGHT - LEFT - CHART_GAP) / 2;
  const box = { x: LEFT, y: paper.y, width, height: CHART_HEIGHT };
  drawChart(
    paper,
    box,
    'Interactions, twelve months',
    { used: 'used', owned: 'allowance' },
    year.map(({ month, interactions }) => ({ month, ...interactions })),
  );
  drawChart(
    paper,
    { ...box, x: LEFT + width + CHART_GAP },
    'Engaged people, highest day of each month',
    { used: 'engaged', owned: 'owned' },
    year.map(({ month, engagedPeople }) => ({ month, ...engagedPeople })),
  );
  paper.y += CHART_HEIGHT;
  gap(paper);
}
