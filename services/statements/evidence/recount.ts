/**
 * Interactions and engaged people counted once more, row by row, within the bounds of a statement.
 */

import { addTo, byId, type Counts, countOf, type Day } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { type Asked, kindOf, statedOf, statedOfPart, statedPartsOf } from './asked.ts';
import { lateSince } from './late.ts';
import { countedInteractions, engagedEntities, NONE, type Sql } from './rows-sql.ts';

export interface Recount {
  /** As counted now, within the bounds; null where what that needs is not kept. */
  counted: number | null;
  /** Whether the whole figure, the parts that the statement tells, and the asked part are what was stated. */
  addsUp: boolean;
  /** Why nothing could be counted. */
  notKept: { code: string; detail: string } | null;
  /** How often each has part in the figure. People are told by the month of their last interaction. */
  by: Partial<Record<'environment' | 'channel' | 'day' | 'entityType' | 'lastInteractionMonth', Counts>>;
  /** Rows that a page or an export gives: an interaction, a person, or a source record each. */
  rows: number | null;
  /** Counted interactions behind the figure; null for unified people, as what follows. */
  interactions: number | null;
  /** Interactions that would be behind it, had no void taken them back. */
  voided: number | null;
  /** Interactions that came after the month was over: behind what had been read when the run at `since` began. */
  late: { interactions: number; since: string } | null;
  /**
   * Of unified people: when they were published, by which rules, and the last log position of each partition that was
   * read, by environment.
   */
  published: {
    at: string;
    rules: { kinds: string[] | null; limit: number };
    /** 64 bits as text: epoch (8), partition (16), offset (40). */
    readUpTo: Record<string, string[]>;
  } | null;
}

interface Group {
  environment: string;
  /** Empty for people. */
  channel: string;
  /** Of interactions their day; of people the first of the month of the last interaction. */
  at: Day;
  /** Empty for interactions. */
  entity_type: string;
  counted: number;
  interactions: number;
  late: number;
}

/** The whole figure is counted even where a part is asked for. */
export async function recountInteractions(clickhouse: ClickHouse, asked: Asked): Promise<Recount> {
  const whole: Asked = { statement: asked.statement, figure: asked.figure };
  const lateness = await lateSince(clickhouse, asked.statement);
  const groups = await readGroups(clickhouse, whole, lateness?.isLate ?? NONE);
  const part = groups.filter(
    ({ environment, channel, at }) =>
      (asked.environment ?? environment) === environment &&
      (asked.channel ?? channel) === channel &&
      (asked.day ?? at) === at,
  );
  const counted = sumOf(part, 'counted');
  const stated = statedOfPart(asked);
  const wholeAddsUp = sumOf(groups, 'counted') === statedOf(asked) && partsAddUp(groups, asked);
  return {
    counted,
    addsUp: wholeAddsUp && (stated === null || stated === counted),
    notKept: null,
    by: partsOf(part, asked),
    rows: counted,
    interactions: sumOf(part, 'interactions'),
    voided: await countVoided(clickhouse, asked),
    late: lateness && { interactions: sumOf(part, 'late'), since: lateness.since },
    published: null,
  };
}

async function readGroups(clickhouse: ClickHouse, whole: Asked, isLate: Sql): Promise<Group[]> {
  const { sql, params } = kindOf(whole.figure) === 'interactions' ? days(whole, isLate) : people(whole, isLate);
  const rows = await clickhouse.query<Record<keyof Group, string>>(sql, params);
  return rows.map(({ counted, interactions, late, ...row }) => ({
    ...row,
    counted: Number(counted),
    interactions: Number(interactions),
    late: Number(late),
  }));
}

function days(whole: Asked, isLate: Sql): Sql {
  const { sql, params } = countedInteractions(whole);
  return {
    sql: `
    SELECT
      environment, via AS channel, toString(day) AS at, '' AS entity_type, count() AS counted, count() AS interactions,
      countIf(${isLate.sql}) AS late
    FROM (${sql})
    GROUP BY environment, channel, at
    ORDER BY at, environment, channel`,
    params: { ...params, ...isLate.params },
  };
}

function people(whole: Asked, isLate: Sql): Sql {
  const { sql, params } = engagedEntities(whole, isLate);
  return {
    sql: `
    SELECT
      environment, '' AS channel, toString(toStartOfMonth(last_at)) AS at, type AS entity_type, count() AS counted,
      sum(entity.interactions) AS interactions, sum(entity.late) AS late
    FROM (${sql}) AS entity
    GROUP BY environment, entity_type, at
    ORDER BY at, environment, entity_type`,
    params,
  };
}

async function countVoided(clickhouse: ClickHouse, asked: Asked): Promise<number> {
  const { sql, params } = countedInteractions(asked, { voided: true });
  const { voided } = await clickhouse.queryOne<{ voided: string }>(`SELECT count() AS voided FROM (${sql})`, params);
  return Number(voided);
}

function partsOf(groups: readonly Group[], { figure }: Asked): Recount['by'] {
  const environment = countsBy(groups, 'environment');
  if (kindOf(figure) === 'interactions') {
    return { environment, channel: countsBy(groups, 'channel'), day: countsBy(groups, 'at') };
  }
  const months = groups.map((group) => ({ ...group, at: group.at.slice(0, 7) }));
  return {
    environment,
    entityType: countsBy(groups, 'entity_type'),
    lastInteractionMonth: countsBy(months, 'at'),
  };
}

function partsAddUp(groups: readonly Group[], asked: Asked): boolean {
  const { byEnvironment, byChannel, byEntityType } = statedPartsOf(asked);
  return (
    sameCounts(byEnvironment, countsBy(groups, 'environment')) &&
    sameCounts(byChannel, countsBy(groups, 'channel')) &&
    sameCounts(byEntityType, countsBy(groups, 'entity_type'))
  );
}

/** Whether what is stated, if it is, is what was counted; none is as good as zero. */
export function sameCounts(stated: Counts | undefined, counted: Counts): boolean {
  if (stated === undefined) return true;
  const names = new Set([...Object.keys(stated), ...Object.keys(counted)]);
  return [...names].every((name) => countOf(stated, name) === countOf(counted, name));
}

function countsBy(groups: readonly Group[], name: 'environment' | 'channel' | 'at' | 'entity_type'): Counts {
  const counts = byId<number>();
  for (const group of groups) addTo(counts, group[name], group.counted);
  return counts;
}

function sumOf(groups: readonly Group[], name: 'counted' | 'interactions' | 'late'): number {
  return groups.reduce((sum, group) => sum + group[name], 0);
}
