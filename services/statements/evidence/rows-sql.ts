/**
 * The rows behind a figure of interactions or engaged people as SQL, from the same tables and within the same bounds as
 * the figure: whatever came since changes nothing. A row may have been written more than once; `FINAL` makes it one.
 */
import { type Bounds, countedDays, withinBounds } from '@tally/figures';
import { isDay } from '@tally/metering';
import type { Params } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import { topicNames } from '@tally/schemas';
import { policiesOf } from '../on-record.ts';
import { type Asked, daysOf, kindOf } from './asked.ts';

export interface Sql {
  sql: string;
  params: Params;
}

/** Fulfilled by no row. */
export const NONE: Sql = { sql: '0', params: {} };

/** How a moment stands in a row: as text, or as ClickHouse's own type, from which Parquet makes a timestamp. */
export type Moments = 'text' | 'timestamp';

/** A query in parts: rows are paged, exported as bytes, and counted. */
export interface RowsSql {
  /** Names of what is handed out, in their order. */
  columns: readonly string[];
  /** The columns as expressions with their names. */
  selection: string;
  /** An expression that tells rows after it from those up to it. */
  cursor: string;
  from: string;
  order: string;
  params: Params;
}

/**
 * The topic among those that a statement's bounds name, whatever prefix they have. Throws `EVIDENCE_NOT_KEPT` where they
 * name none.
 */
export function topicIn({ epochs }: Bounds, which: 'interactions' | 'profiles'): string {
  const topic = Object.keys(epochs).find((name) => name.endsWith(topicNames()[which]));
  if (topic !== undefined) return topic;
  throw new TallyError(`the statement does not say up to where the ${which} were counted`, {
    code: 'EVIDENCE_NOT_KEPT',
    retriable: false,
  });
}

/** The interactions that count for a figure; `voided`: instead those that would, had no void taken them back. */
export function countedInteractions(asked: Asked, { voided = false } = {}): Sql {
  const { statement, environment, channel, day } = asked;
  const bounds = statement.evidence;
  const topic = topicIn(bounds, 'interactions');
  const days = daysOf(asked);
  const counted = countedDays(policiesOf(statement), days);
  const rows = withinBounds(bounds, topic, { column: 'position', name: 'rows' });
  const voids = withinBounds(bounds, topic, { column: 'void_position', name: 'voids' });
  const ofTenant = 'tenant_id = {tenantId:String} AND day >= {first:Date} AND day <= {last:Date}';
  return {
    sql: `
    SELECT
      day, toString(environment_id) AS environment, toString(entity_type) AS type, entity_id,
      entity_key, event_id, occurred_at, toString(channel) AS via, toString(direction) AS way, journey_id,
      provider AS sender, position
    FROM interactions FINAL
    WHERE ${ofTenant} AND ${counted.sql} AND ${rows.sql}
      AND position ${voided ? 'IN' : 'NOT IN'}
        (SELECT position FROM voided_interactions WHERE ${ofTenant} AND ${voids.sql})
      ${environment === undefined ? '' : 'AND environment_id = {environment:String}'}
      ${channel === undefined ? '' : 'AND channel = {channel:String}'}
      ${day === undefined ? '' : 'AND day = {day:Date}'}`,
    params: {
      tenantId: statement.tenantId,
      ...days,
      ...counted.params,
      ...rows.params,
      ...voids.params,
      ...(environment === undefined ? {} : { environment }),
      ...(channel === undefined ? {} : { channel }),
      ...(day === undefined ? {} : { day }),
    },
  };
}

/**
 * A person each, with the interactions that engage it.
 * @param isLate a condition on `position`, for the column `late`: how many of them fulfil it
 */
export function engagedEntities(asked: Asked, isLate: Sql = NONE): Sql {
  const { sql, params } = countedInteractions(asked);
  return {
    // The smallest id is the empty one, should an erasure be under way.
    sql: `
    SELECT
      any(environment) AS environment, any(type) AS type, min(entity_id) AS entity_id, min(occurred_at) AS first_at,
      max(occurred_at) AS last_at, count() AS interactions, argMax(position, (occurred_at, position)) AS last_position,
      countIf(${isLate.sql}) AS late
    FROM (${sql})
    GROUP BY entity_key`,
    params: { ...params, ...isLate.params },
  };
}

/**
 * What is handed out of a figure's rows, in an order that never changes: interactions by day and then by place in the log,
 * people by the place of their last interaction.
 * @param after the cursor of the row before the first; absent: from the beginning
 */
export function evidenceRows(asked: Asked, { moments, after }: { moments: Moments; after?: string }): RowsSql {
  const cursor = after === undefined ? undefined : cursorOf(after);
  return kindOf(asked.figure) === 'interactions'
    ? interactionRows(asked, moments, cursor)
    : engagedRows(asked, moments, cursor);
}

function interactionRows(asked: Asked, moments: Moments, cursor: Cursor | undefined): RowsSql {
  const { sql, params } = countedInteractions(asked);
  const columns: Columns = [
    ['tenantId', '{tenantId:String}'],
    ['environmentId', 'environment'],
    ['entityType', 'type'],
    ['entityId', 'entity_id'],
    ['eventId', 'event_id'],
    ['occurredAt', momentSql('occurred_at', moments)],
    ['channel', 'via'],
    ['direction', 'way'],
    ['journeyId', 'journey_id'],
    ['provider', 'sender'],
    ['log', placeSql('position')],
  ];
  const behind = 'AND day >= {afterDay:Date} AND (day, position) > ({afterDay:Date}, {afterPosition:UInt64})';
  return rowsOf(columns, {
    cursor: `concat(toString(day), '.', toString(position))`,
    from: `(${sql} ${cursor ? behind : ''})`,
    order: 'day, position',
    params: { ...params, ...cursor, topic: topicIn(asked.statement.evidence, 'interactions') },
  });
}

function engagedRows(asked: Asked, moments: Moments, cursor: Cursor | undefined): RowsSql {
  const { sql, params } = engagedEntities(asked);
  const columns: Columns = [
    ['tenantId', '{tenantId:String}'],
    ['environmentId', 'environment'],
    ['entityType', 'type'],
    ['entityId', 'entity_id'],
    ['firstInteractionAt', momentSql('first_at', moments)],
    ['lastInteractionAt', momentSql('last_at', moments)],
    ['interactions', 'toUInt32(interactions)'],
    ['lastLog', placeSql('last_position')],
  ];
  return rowsOf(columns, {
    cursor: `concat(toString(toDate(last_at)), '.', toString(last_position))`,
    from: `(${sql} ${cursor ? 'HAVING last_position > {afterPosition:UInt64}' : ''})`,
    order: 'last_position',
    params: { ...params, ...cursor, topic: topicIn(asked.statement.evidence, 'interactions') },
  });
}

type Columns = readonly (readonly [name: string, sql: string])[];

function rowsOf(columns: Columns, rest: Omit<RowsSql, 'columns' | 'selection'>): RowsSql {
  return {
    columns: columns.map(([name]) => name),
    selection: columns.map(([name, sql]) => `${sql} AS ${name}`).join(', '),
    ...rest,
  };
}

interface Cursor extends Params {
  afterDay: string;
  afterPosition: string;
}

const POSITION_MAX = 2n ** 64n - 1n;

/** Throws `CURSOR_INVALID`. */
function cursorOf(text: string): Cursor {
  const [, afterDay = '', afterPosition = ''] = /^(\d{4}-\d{2}-\d{2})\.(\d{1,20})$/.exec(text) ?? [];
  if (afterPosition !== '' && BigInt(afterPosition) <= POSITION_MAX && isDay(afterDay)) {
    return { afterDay, afterPosition };
  }
  throw new TallyError('the cursor is none that a page gave', { code: 'CURSOR_INVALID', retriable: false });
}

function momentSql(column: string, moments: Moments): string {
  return moments === 'timestamp' ? column : `concat(replaceOne(toString(${column}), ' ', 'T'), 'Z')`;
}

/** `topic/partition/offset@epoch`, as dead letters are named. */
export function placeSql(column: string): string {
  const parts = {
    partition: `bitAnd(bitShiftRight(${column}, 40), 0xFFFF)`,
    offset: `bitAnd(${column}, 0xFFFFFFFFFF)`,
    epoch: `bitShiftRight(${column}, 56)`,
  };
  return `concat({topic:String}, '/', toString(${parts.partition}), '/', toString(${parts.offset}), '@', toString(${parts.epoch}))`;
}
