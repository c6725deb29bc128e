/**
 * What stands on which sheet of the workbook.
 */
import type { Row, Sheet } from 'write-excel-file/node';
import type { Statement } from '../document.ts';
import { count, day, header, heading, moment, month, share, signed, text } from './cells.ts';
import { byName, FIGURE_NAMES, largestFirst, monthName, reasonOf, verdictOf } from './words.ts';

/** The sheets of a statement's workbook, each with its first row kept in sight. */
export function sheetsOf(statement: Statement): Sheet<Buffer>[] {
  return toSheets([
    { name: 'Statement', rows: statementRows(statement), widths: [38, 22, 18, 18, 18, 18, 12] },
    { name: 'Months', rows: monthRows(statement), widths: [14, 18, 18, 20, 20, 20, 20] },
    { name: 'Breakdown', rows: breakdownRows(statement), widths: [18, 18, 36, 18, 34, 14, 12, 12] },
    { name: 'Adjustments', rows: adjustmentRows(statement), widths: [14, 30, 18, 18, 18, 70] },
    { name: 'Licences', rows: licenceRows(statement), widths: [28, 14, 14, 14, 20] },
    { name: 'Evidence', rows: evidenceRows(statement), widths: [26, 40, 24, 74] },
  ]);
}

function toSheets(sheets: readonly { name: string; rows: Row[]; widths: readonly number[] }[]): Sheet<Buffer>[] {
  return sheets.map(({ name, rows, widths }) => ({
    sheet: name,
    data: rows,
    columns: widths.map((width) => ({ width })),
    stickyRowsCount: 1,
  }));
}

const EMPTY_ROW: Row = [];

function statementRows(statement: Statement): Row[] {
  const { tenantId, number, issuedAt, issuedBy, period, policy } = statement;
  return [
    header(`Usage statement ${number}`, tenantId, monthName(statement.month)),
    [text('Tenant'), text(tenantId)],
    [text('Month'), month(statement.month)],
    [text('Statement number'), count(number)],
    [text('First day'), day(period.firstDay)],
    [text('Last day'), day(period.lastDay)],
    [text('Issued at (UTC)'), moment(issuedAt)],
    [text('Issued by'), text(issuedBy)],
    [text('Counting policy'), text(policy)],
    [text('Result'), text(verdictOf(statement).text)],
    EMPTY_ROW,
    ...quotaRows(statement),
    EMPTY_ROW,
    ...licenceYearRows(statement),
  ];
}

type Quota = Omit<Statement['engagedPeople']['peak'], 'day'>;

function quotaRows({ month: ofMonth, interactions, engagedPeople, unifiedPeople }: Statement): Row[] {
  const row = (name: string, on: Row[number], { owned, used, remaining, overage, share: part }: Quota): Row => [
    text(name),
    on,
    ...[owned, used, remaining, overage].map(count),
    share(part),
  ];
  const people = (name: string, meter: Statement['engagedPeople'] | Statement['unifiedPeople']): Row[] => [
    row(`${name}, last day`, day(meter.day), meter),
    row(`${name}, highest day`, day(meter.peak.day), meter.peak),
    ...(meter.worst ? [row(`${name}, most missing`, day(meter.worst.day), meter.worst)] : []),
  ];
  const { peakDay } = interactions;
  return [
    header('Usage against quota', 'Month or day', 'Owned', 'Used', 'Remaining', 'Over', 'Used of owned'),
    row('Interactions', month(ofMonth), interactions),
    ...people('Engaged people', engagedPeople),
    ...people('Unified people', unifiedPeople),
    ...(unifiedPeople.known ? [] : [heading('No figure of unified people was published up to the last day.')]),
    ...(peakDay ? [[text('Most interactions on a day'), day(peakDay.day), null, count(peakDay.used)]] : []),
  ];
}

function licenceYearRows({ licenceYear }: Statement): Row[] {
  if (!licenceYear) return [heading('Without a licence there is no licence year.')];
  const { engagedPeople, interactions, unifiedPeople } = licenceYear;
  const days = (name: string, year: typeof engagedPeople): Row => [
    text(name),
    day(year.peakDay),
    count(year.peak),
    day(year.shortfallDay),
    count(year.shortfall),
  ];
  return [
    header('Licence year so far', 'Highest on', 'Highest', 'Most missing on', 'Missing people'),
    [text('First day'), day(licenceYear.from)],
    [text('First day after it'), day(licenceYear.until)],
    days('Engaged people', engagedPeople),
    [
      text('Interactions'),
      month(interactions.peakMonth),
      count(interactions.peak),
      month(interactions.shortfallMonth),
      count(interactions.shortfallPeople),
    ],
    days('Unified people', unifiedPeople),
    [text('People to buy'), null, count(licenceYear.peopleToBuy)],
    [text('Unified people to buy'), null, count(licenceYear.unifiedPeopleToBuy)],
  ];
}

function monthRows({ year }: Statement): Row[] {
  const titles = ['Interactions', 'Interactions owned', 'Engaged people, peak', 'Engaged people owned'];
  return [
    header('Month', ...titles, 'Unified people, peak', 'Unified people owned'),
    ...year.map(({ month: of, ...meters }) => [
      month(of),
      ...[meters.interactions, meters.engagedPeople, meters.unifiedPeople].flatMap(({ used, owned }) => [
        count(used),
        count(owned),
      ]),
    ]),
  ];
}

function breakdownRows({ interactions, engagedPeople, unifiedPeople, environments }: Statement): Row[] {
  const about = new Map(environments.map((environment) => [environment.id, environment]));
  const by = (meter: string, dimension: string, counts: Record<string, number>): Row[] =>
    largestFirst(counts).map(([key, used]) => {
      const row = [text(meter), text(dimension), text(key), count(used)];
      const environment = dimension === 'environment' ? about.get(key) : undefined;
      if (!environment) return row;
      const { registered, name, type, geo } = environment;
      return [...row, text(name), text(type), text(geo), text(registered ? 'yes' : 'no')];
    });
  const used = [interactions, engagedPeople, unifiedPeople].flatMap(({ byEnvironment }) => Object.keys(byEnvironment));
  const unused = environments.filter(({ id }) => !used.includes(id));
  return [
    header('Meter', 'By', 'Key', 'Used', 'Name', 'Type', 'Geo', 'Registered'),
    ...by('Interactions', 'channel', interactions.byChannel),
    ...by('Interactions', 'environment', interactions.byEnvironment),
    ...by('Engaged people', 'entity type', engagedPeople.byEntityType),
    ...by('Engaged people', 'environment', engagedPeople.byEnvironment),
    ...by('Unified people', 'environment', unifiedPeople.byEnvironment),
    ...unused.flatMap(({ id }) => by('All', 'environment', { [id]: 0 })),
  ];
}

function adjustmentRows({ adjustments }: Statement): Row[] {
  return [
    header('Month', 'Figure', 'Stated before', 'Known now', 'Difference', 'Why'),
    ...adjustments.map((adjustment) => [
      month(adjustment.month),
      text(FIGURE_NAMES[adjustment.figure]),
      count(adjustment.stated),
      count(adjustment.known),
      signed(adjustment.difference),
      text(reasonOf(adjustment)),
    ]),
  ];
}

function licenceRows({ licences }: Statement): Row[] {
  return [
    header('SKU', 'Quantity', 'Pack size', 'First day', 'First day after it'),
    ...licences.map(({ sku, quantity, packSize, startsOn, endsOn }) => [
      text(sku),
      count(quantity),
      count(packSize ?? null),
      day(startsOn),
      day(endsOn),
    ]),
  ];
}

function evidenceRows({ format, evidence, digest, previousDigest }: Statement): Row[] {
  const { positions, epochs, licenceVersion, catalogueVersion, policies, unified } = evidence;
  return [
    header('Evidence', 'Key', 'Number or moment (UTC)', 'Text'),
    [text('Digest'), null, null, text(digest)],
    [text('Previous digest'), null, null, text(previousDigest)],
    [text('Document format'), null, count(format)],
    [text('Licence version'), null, null, text(licenceVersion)],
    [text('Catalogue version'), null, count(catalogueVersion)],
    ...policies.map(({ from, policy }) => [text('Counting policy from'), day(from), null, text(policy)]),
    ...byName(epochs).map(([topic, epoch]) => [text('Log epoch'), text(topic), count(epoch)]),
    ...byName(positions).map(([place, offset]) => [text('Counted up to'), text(place), count(offset)]),
    ...unified.flatMap(({ day: of, publishedAt, positions: readTo }) => [
      [text('Unified published'), day(of), moment(publishedAt)],
      ...byName(readTo).map(([place, offset]) => [text('Unified read up to'), text(place), count(offset), text(of)]),
    ]),
  ];
}
