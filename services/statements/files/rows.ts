/**
 * Everything a statement says, as flat rows. `section` and `figure` are named as in the document, so that a row and its
 * place in the JSON are found from one another.
 */
import type { Statement } from '../document.ts';
import { byName } from './words.ts';

export interface StatementRow {
  /** `interactions`, `engagedPeople.peak`, …; empty for the statement itself. */
  section: string;
  figure: string;
  /** What `key` is: `day`, `month`, `channel`, `environment`, …; empty where there is no key. */
  dimension: string;
  key: string;
  /** A number; null where the figure is none, or there is none. */
  value: number | null;
  /** Of the value: `interactions`, `people`, `share`, `offset`, `epoch`, `units`, `version`; empty without one. */
  unit: string;
  text: string;
}

type At = readonly [dimension: string, key: string];

/** Every row of a statement, in the order of the document. */
export function rowsOf(statement: Statement): StatementRow[] {
  return [
    ...headRows(statement),
    ...interactionRows(statement),
    ...peopleRows('engagedPeople', statement.engagedPeople),
    ...countRows('engagedPeople', 'entity type', statement.engagedPeople.byEntityType, 'people'),
    ...peopleRows('unifiedPeople', statement.unifiedPeople),
    words('unifiedPeople', 'known', statement.unifiedPeople.known),
    ...licenceYearRows(statement),
    ...adjustmentRows(statement),
    ...yearRows(statement),
    ...licenceRows(statement),
    ...environmentRows(statement),
    ...evidenceRows(statement),
    words('', 'previousDigest', statement.previousDigest),
    words('', 'digest', statement.digest),
  ];
}

const NOWHERE: At = ['', ''];

function figure(section: string, name: string, value: number | null, unit: string, [dimension, key] = NOWHERE) {
  return { section, figure: name, dimension, key, value, unit, text: '' };
}

function words(section: string, name: string, text: string | boolean | null, [dimension, key] = NOWHERE) {
  return { section, figure: name, dimension, key, value: null, unit: '', text: text === null ? '' : String(text) };
}

function countRows(section: string, dimension: string, counts: Record<string, number>, unit: string): StatementRow[] {
  return byName(counts).map(([key, value]) => figure(section, 'used', value, unit, [dimension, key]));
}

type Quota = Pick<Statement['interactions'], 'owned' | 'used' | 'remaining' | 'overage' | 'share'>;
type DayQuota = Statement['engagedPeople']['peak'];

function quotaRows(section: string, quota: Quota, unit: string, at: At): StatementRow[] {
  return [
    figure(section, 'owned', quota.owned, unit, at),
    figure(section, 'used', quota.used, unit, at),
    figure(section, 'remaining', quota.remaining, unit, at),
    figure(section, 'overage', quota.overage, unit, at),
    figure(section, 'share', quota.share, 'share', at),
  ];
}

function headRows({ format, issuedAt, issuedBy, period, policy }: Statement): StatementRow[] {
  return [
    figure('', 'format', format, 'version'),
    words('', 'issuedAt', issuedAt),
    words('', 'issuedBy', issuedBy),
    words('period', 'firstDay', period.firstDay),
    words('period', 'lastDay', period.lastDay),
    words('', 'policy', policy),
  ];
}

function interactionRows({ month, interactions }: Statement): StatementRow[] {
  const { peakDay, byChannel, byEnvironment } = interactions;
  const busiest = peakDay
    ? [figure('interactions.peakDay', 'used', peakDay.used, 'interactions', ['day', peakDay.day])]
    : [];
  return [
    ...quotaRows('interactions', interactions, 'interactions', ['month', month]),
    ...busiest,
    ...countRows('interactions', 'channel', byChannel, 'interactions'),
    ...countRows('interactions', 'environment', byEnvironment, 'interactions'),
  ];
}

function peopleRows(
  section: string,
  meter: DayQuota & { byEnvironment: Record<string, number>; peak: DayQuota; worst: DayQuota | null },
): StatementRow[] {
  const ofDay = (name: string, quota: DayQuota) => quotaRows(name, quota, 'people', ['day', quota.day]);
  return [
    ...ofDay(section, meter),
    ...ofDay(`${section}.peak`, meter.peak),
    ...(meter.worst ? ofDay(`${section}.worst`, meter.worst) : []),
    ...countRows(section, 'environment', meter.byEnvironment, 'people'),
  ];
}

function licenceYearRows({ licenceYear }: Statement): StatementRow[] {
  if (!licenceYear) return [];
  const { from, until, engagedPeople, interactions, unifiedPeople } = licenceYear;
  const name = 'licenceYear';
  const ofDays = (section: string, year: typeof engagedPeople) => [
    figure(section, 'peak', year.peak, 'people'),
    words(section, 'peakDay', year.peakDay),
    figure(section, 'shortfall', year.shortfall, 'people'),
    words(section, 'shortfallDay', year.shortfallDay),
  ];
  return [
    words(name, 'from', from),
    words(name, 'until', until),
    ...ofDays(`${name}.engagedPeople`, engagedPeople),
    figure(`${name}.interactions`, 'peak', interactions.peak, 'interactions'),
    words(`${name}.interactions`, 'peakMonth', interactions.peakMonth),
    figure(`${name}.interactions`, 'shortfallPeople', interactions.shortfallPeople, 'people'),
    words(`${name}.interactions`, 'shortfallMonth', interactions.shortfallMonth),
    ...ofDays(`${name}.unifiedPeople`, unifiedPeople),
    figure(name, 'peopleToBuy', licenceYear.peopleToBuy, 'people'),
    figure(name, 'unifiedPeopleToBuy', licenceYear.unifiedPeopleToBuy, 'people'),
  ];
}

function adjustmentRows({ adjustments }: Statement): StatementRow[] {
  return adjustments.flatMap(({ month, figure: of, stated, known, difference }) => {
    const unit = of === 'interactions' ? 'interactions' : 'people';
    const at = ['month', month] as const;
    return [
      figure('adjustments', `${of}.stated`, stated, unit, at),
      figure('adjustments', `${of}.known`, known, unit, at),
      figure('adjustments', `${of}.difference`, difference, unit, at),
    ];
  });
}

function yearRows({ year }: Statement): StatementRow[] {
  return year.flatMap(({ month, ...meters }) =>
    (['interactions', 'engagedPeople', 'unifiedPeople'] as const).flatMap((meter) => {
      const unit = meter === 'interactions' ? 'interactions' : 'people';
      return [
        figure('year', `${meter}.used`, meters[meter].used, unit, ['month', month]),
        figure('year', `${meter}.owned`, meters[meter].owned, unit, ['month', month]),
      ];
    }),
  );
}

/** A line is known by its place in the list, from 1. */
function licenceRows({ licences }: Statement): StatementRow[] {
  return licences.flatMap(({ sku, quantity, packSize, startsOn, endsOn }, index) => {
    const at = ['licence line', String(index + 1)] as const;
    return [
      words('licences', 'sku', sku, at),
      figure('licences', 'quantity', quantity, 'units', at),
      ...(packSize === undefined ? [] : [figure('licences', 'packSize', packSize, 'people', at)]),
      words('licences', 'startsOn', startsOn, at),
      words('licences', 'endsOn', endsOn, at),
    ];
  });
}

function environmentRows({ environments }: Statement): StatementRow[] {
  return environments.flatMap(({ id, registered, name, type, geo }) => {
    const at = ['environment', id] as const;
    return [
      words('environments', 'registered', registered, at),
      ...Object.entries({ name, type, geo }).flatMap(([of, text]) =>
        text === undefined ? [] : [words('environments', of, text, at)],
      ),
    ];
  });
}

function evidenceRows({ evidence }: Statement): StatementRow[] {
  const { positions, epochs, licenceVersion, catalogueVersion, policies, unified } = evidence;
  const each = (of: string, dimension: string, numbers: Record<string, number>, unit: string) =>
    byName(numbers).map(([key, value]) => figure('evidence', of, value, unit, [dimension, key]));
  return [
    ...each('positions', 'topic/partition', positions, 'offset'),
    ...each('epochs', 'topic', epochs, 'epoch'),
    words('evidence', 'licenceVersion', licenceVersion),
    figure('evidence', 'catalogueVersion', catalogueVersion, 'version'),
    ...policies.map(({ from, policy }) => words('evidence', 'policies', policy, ['day', from])),
    ...unified.flatMap(({ day, publishedAt, positions: readTo }) => [
      words('evidence.unified', 'publishedAt', publishedAt, ['day', day]),
      ...byName(readTo).map(([place, offset]) =>
        figure('evidence.unified', 'positions', offset, 'offset', ['day topic/partition', `${day} ${place}`]),
      ),
    ]),
  ];
}
