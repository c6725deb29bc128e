/**
 * Which answers are tables too, and their rows. A column's name and place never change; new ones come at the end.
 *
 * All are in long form, one row a figure, with the words of a statement's CSV: `dimension` and `key` say of which part it
 * is. The parts of one dimension add up to the `total`, so whoever sums chooses one dimension first.
 */
import type {
  CurveAnswer,
  InteractionsAnswer,
  OverviewAnswer,
  PublishedAnswer,
  QuotaAnswer,
  StatementsAnswer,
  UnifiedHistoryAnswer,
} from '@tally/contract';
import { EXAMPLES } from './examples.ts';
import { overviewRows, quotaRows } from './quota-rows.ts';

export type Cell = string | number | null;
type Row = readonly Cell[];

export interface CsvTable {
  columns: readonly string[];
  /** Cells in the order of `columns`, but for the `tenant` of a tenant's table and `asOf`. */
  rows: (answer: object) => Iterable<Row>;
  /** When the figures were worked out, ISO 8601, the last column; null before anything was. */
  asOf?: (answer: object) => string | null;
  /** Further headers: what the JSON says beside its list. */
  headers?: (answer: object) => Record<string, string>;
  /** An answer, for the documentation. */
  example: object;
}

interface Told {
  asOf: { computedAt: string } | null;
}

interface TableOf<Answer> {
  columns: readonly string[];
  rows: (answer: Answer) => Iterable<Row>;
  asOf?: (answer: Answer) => string | null;
  headers?: (answer: Answer) => Record<string, string>;
  example: Answer & object;
}

/** A table of one route's answers. It gets no others: it stands under that route. */
function table<Answer>({ columns, rows, asOf, headers, example }: TableOf<Answer>): CsvTable {
  return {
    columns,
    rows: (answer) => rows(answer as Answer),
    ...(asOf ? { asOf: (answer: object) => asOf(answer as Answer) } : {}),
    ...(headers ? { headers: (answer: object) => headers(answer as Answer) } : {}),
    example,
  };
}

const computedAt = ({ asOf }: Told): string | null => asOf?.computedAt ?? null;
const part = ['dimension', 'key', 'value', 'unit'] as const;

/** By the route as it is declared. */
export const CSV_TABLES: Readonly<Record<string, CsvTable>> = {
  'GET /v1/overview': table<OverviewAnswer>({
    columns: ['tenant', 'figure', ...part, 'text', 'asOf'],
    rows: overviewRows,
    asOf: (answer) => answer.computedAt,
    example: EXAMPLES.overview,
  }),
  'GET /v1/tenants/:tenantId/interactions': table<InteractionsAnswer>({
    columns: ['tenant', 'month', ...part, 'policy', 'asOf'],
    *rows({ months, policy }) {
      for (const { month, total, byChannel, byEnvironment } of months) {
        const parts = { channel: byChannel, environment: byEnvironment };
        for (const row of partsOf(total, parts)) yield [month, ...row, 'interactions', policy];
      }
    },
    asOf: computedAt,
    example: EXAMPLES.interactions,
  }),
  'GET /v1/tenants/:tenantId/engaged/curve': table<CurveAnswer>({
    columns: ['tenant', 'day', ...part, 'policy', 'asOf'],
    *rows({ days, policy }) {
      for (const { day, total } of days) yield [day, 'total', '', total, 'people', policy];
    },
    asOf: computedAt,
    example: EXAMPLES.curve,
  }),
  'GET /v1/tenants/:tenantId/unified/history': table<UnifiedHistoryAnswer>({
    columns: ['tenant', 'day', ...part, 'asOf'],
    *rows({ days }) {
      for (const { day, total, byEnvironment } of days) {
        for (const row of partsOf(total, { environment: byEnvironment })) yield [day, ...row, 'people'];
      }
    },
    asOf: computedAt,
    example: EXAMPLES.unifiedHistory,
  }),
  'GET /v1/tenants/:tenantId/published': table<PublishedAnswer>({
    columns: ['tenant', 'meter', 'period', 'computedAt', ...part, 'policy', 'runId', 'asOf'],
    rows: publishedRows,
    asOf: computedAt,
    headers: ({ complete }) => ({ 'x-tally-complete': String(complete) }),
    example: EXAMPLES.published,
  }),
  'GET /v1/tenants/:tenantId/quota': table<QuotaAnswer>({
    columns: ['tenant', 'on', 'figure', ...part, 'text', 'policy', 'asOf'],
    rows: quotaRows,
    asOf: computedAt,
    example: EXAMPLES.quota,
  }),
  'GET /v1/tenants/:tenantId/statements': table<StatementsAnswer>({
    // Each is as of when it was issued.
    columns: ['tenant', 'month', 'number', 'figure', ...part, 'issuedAt', 'issuedBy', 'digest'],
    rows: statementRows,
    example: EXAMPLES.statements,
  }),
};

/** Dimension, key and value: the total, then each part, in the order of their names. */
function* partsOf(
  total: number,
  parts: Readonly<Record<string, Readonly<Record<string, number>>>>,
): Iterable<[dimension: string, key: string, value: number]> {
  yield ['total', '', total];
  for (const [dimension, counts] of Object.entries(parts)) {
    for (const [key, value] of Object.entries(counts).sort(byName)) yield [dimension, key, value];
  }
}

function byName([one]: [string, number], [other]: [string, number]): number {
  return one < other ? -1 : 1;
}

function* publishedRows({ meter, period, published }: PublishedAnswer): Iterable<Row> {
  const unit = meter === 'interactions' ? 'interactions' : 'people';
  for (const { computedAt: at, total, breakdown, policy, runId } of published) {
    const { byEnvironment: environment } = breakdown;
    const channel = 'byChannel' in breakdown ? breakdown.byChannel : {};
    const entityType = 'byEntityType' in breakdown ? breakdown.byEntityType : {};
    for (const row of partsOf(total, { channel, environment, 'entity type': entityType })) {
      yield [meter, period, at, ...row, unit, policy, runId];
    }
  }
}

function* statementRows({ statements }: StatementsAnswer): Iterable<Row> {
  for (const { month, number, issuedAt, issuedBy, digest, ...figures } of statements) {
    const { interactions, engagedPeoplePeak: engaged, unifiedPeoplePeak: unified } = figures;
    const rows: [figure: string, dimension: string, key: string, value: number | null, unit: string][] = [
      ...usedRows('interactions', 'month', month, interactions, 'interactions'),
      ...usedRows('engagedPeople.peak', 'day', engaged.day, engaged, 'people'),
      ...usedRows('unifiedPeople.peak', 'day', unified.day, unified, 'people'),
      ['peopleToBuy', 'total', '', figures.peopleToBuy, 'people'],
      ['unifiedPeopleToBuy', 'total', '', figures.unifiedPeopleToBuy, 'people'],
      ['adjustments', 'total', '', figures.adjustments, 'adjustments'],
    ];
    for (const [figure, ...row] of rows) yield [month, number, figure, ...row, issuedAt, issuedBy, digest];
  }
}

function usedRows(
  name: string,
  dimension: string,
  key: string,
  { owned, used, overage }: { owned: number; used: number; overage: number },
  unit: string,
): [string, string, string, number, string][] {
  return [
    [`${name}.owned`, dimension, key, owned, unit],
    [`${name}.used`, dimension, key, used, unit],
    [`${name}.overage`, dimension, key, overage, unit],
  ];
}
