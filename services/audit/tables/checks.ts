/**
 * The first recount: from the table `interactions`, which has a row an event, to everything else that is derived from the
 * log. Position by position, so a month's total is right for the right reason.
 *
 * Only positions before the committed offsets are looked at: what is committed is in every table. Where a table cannot
 * tell (a void's bitmap has the position taken back, not the void's), all of it is compared, and what is in flight may
 * differ for a moment: see recount-tables.ts.
 */
import type { PositionSets } from './compare.ts';

/** A position is looked at when it is before its partition's committed offset; epochs that are over are whole. */
const WITHIN = `position < transform(
  bitShiftRight(position, 40), {partitions:Array(UInt64)}, {limits:Array(UInt64)}, toUInt64(0xFFFFFFFFFFFFFFFF)
)`;

export type TableCheck = { name: string } & ({ sets: PositionSets } | { offenders: string; what: string });

/** Positions that the outcomes name; `content` is worked out from `outcome`. */
function recorded(epochs: string, where: string, content: string): string {
  return `
    SELECT position, content
    FROM
    (
      SELECT ${content} AS content, arrayJoin(bitmapToArray(groupBitmapMergeState(positions))) AS position
      FROM log_outcomes
      WHERE has({${epochs}:Array(UInt8)}, epoch) AND ${where}
      GROUP BY epoch, partition, bucket, outcome
    )
    WHERE ${WITHIN}`;
}

const OF_DAY = 'cityHash64(tenant_id, day, environment_id, channel, direction)';
const OF_EVENT = 'cityHash64(tenant_id, day, environment_id, entity_type, entity_key, event_key)';
const OF_RECORD =
  'cityHash64(tenant_id, environment_id, source, record_id, deleted, identifier_kinds, identifier_keys, changed_at)';
const OF_INDEX = 'cityHash64(event_key, occurred_at, channel, direction)';

function ofDays(bitmap: 'counted' | 'voided'): string {
  return `
    SELECT arrayJoin(bitmapToArray(groupBitmapMergeState(${bitmap}))) AS position, ${OF_DAY} AS content
    FROM daily_interactions
    GROUP BY tenant_id, day, environment_id, channel, direction`;
}

export const TABLE_CHECKS: readonly TableCheck[] = [
  {
    name: 'interactions: a row for each counted position',
    sets: {
      left: recorded('interactions', `outcome = 'counted'`, '0'),
      right: `SELECT position, 0 AS content FROM interactions WHERE ${WITHIN}`,
      onlyLeft: 'counted in log_outcomes, but interactions has no row',
      onlyRight: 'interactions has a row, but log_outcomes does not say counted',
      otherwise: '',
    },
  },
  {
    name: 'interactions: one row a position',
    offenders: `
      SELECT position, min(content) != max(content) AS differs
      FROM (SELECT position, cityHash64(${OF_EVENT}, ${OF_INDEX}) AS content FROM interactions WHERE ${WITHIN})
      GROUP BY position`,
    what: 'interactions has two different rows for the position',
  },
  {
    name: 'interactions: one position an event',
    offenders: `
      SELECT last AS position, first != last AS differs
      FROM (SELECT min(position) AS first, max(position) AS last FROM interactions WHERE ${WITHIN} GROUP BY event_key)`,
    what: 'interactions has the same event at an earlier position: counted twice',
  },
  {
    name: 'event_index: a key for each counted, suppressed and void position',
    sets: {
      left: recorded(
        'interactions',
        `outcome IN ('counted', 'void', 'suppressed')`,
        `multiIf(outcome = 'void', 2, outcome = 'suppressed', 3, 1)`,
      ),
      right: `SELECT position, toUInt8(kind) AS content FROM event_index WHERE ${WITHIN}`,
      onlyLeft: 'counted, suppressed or void in log_outcomes, but event_index has no key',
      onlyRight: 'event_index has a key, but log_outcomes does not say counted, suppressed or void',
      otherwise: 'event_index has the key as another kind than log_outcomes says',
    },
  },
  {
    name: 'event_index: one position a key',
    offenders: `
      SELECT last AS position, first != last AS differs
      FROM
      (
        SELECT min(position) AS first, max(position) AS last
        FROM event_index WHERE ${WITHIN} GROUP BY event_key, kind = 'void'
      )`,
    what: 'event_index has the same key at an earlier position',
  },
  {
    name: 'event_index: the same events as interactions',
    sets: {
      left: `SELECT position, ${OF_INDEX} AS content FROM event_index WHERE kind = 'interaction' AND ${WITHIN}`,
      right: `SELECT position, ${OF_INDEX} AS content FROM interactions WHERE ${WITHIN}`,
      onlyLeft: 'event_index has a counted event, but interactions has no row',
      onlyRight: 'interactions has a row, but event_index has no counted event',
      otherwise: 'event_index and interactions differ in key, time, channel or direction',
    },
  },
  {
    name: 'voided_interactions: a row for each void of an earlier event',
    sets: {
      left: `
        SELECT voids.position AS position, cityHash64(event_key, events.position) AS content
        FROM (SELECT event_key, position FROM event_index WHERE kind = 'interaction') AS events
        INNER JOIN (SELECT event_key, position FROM event_index WHERE kind = 'void' AND ${WITHIN}) AS voids USING (event_key)
        WHERE events.position < voids.position`,
      right: `
        SELECT position, content
        FROM (SELECT void_position AS position, cityHash64(event_key, voided.position) AS content FROM voided_interactions AS voided)
        WHERE ${WITHIN}`,
      onlyLeft: 'a void of an event counted earlier, but voided_interactions has no row',
      onlyRight: 'voided_interactions has a row, but event_index has no such void',
      otherwise: 'voided_interactions names another event than the void’s',
    },
  },
  {
    name: 'voided_interactions: as in interactions',
    sets: {
      left: `SELECT position, ${OF_EVENT} AS content FROM voided_interactions WHERE ${WITHIN}`,
      right: `SELECT position, ${OF_EVENT} AS content FROM interactions WHERE ${WITHIN}`,
      onlyLeft: 'voided_interactions takes it back, but interactions has no row',
      otherwise: 'voided_interactions has it on another day or for another entity than interactions',
    },
  },
  {
    name: 'conflicting_interactions: a row for each conflicting position',
    sets: {
      left: recorded('interactions', `outcome = 'conflicting'`, '0'),
      right: `SELECT position, 0 AS content FROM conflicting_interactions WHERE ${WITHIN}`,
      onlyLeft: 'conflicting in log_outcomes, but conflicting_interactions has no row',
      onlyRight: 'conflicting_interactions has a row, but log_outcomes does not say conflicting',
      otherwise: '',
    },
  },
  {
    name: 'conflicting_interactions: other content than the event had before',
    offenders: `
      SELECT
        again.position AS position,
        max(NOT there OR before.position >= again.position OR before.content_hash = again.content_hash) AS differs
      FROM (SELECT position, event_key, content_hash FROM conflicting_interactions WHERE ${WITHIN}) AS again
      LEFT JOIN
      (
        SELECT event_key, position, content_hash, 1 AS there
        FROM event_index
        WHERE kind != 'void' AND event_key IN (SELECT event_key FROM conflicting_interactions)
      ) AS before USING (event_key)
      GROUP BY position`,
    what: 'conflicting_interactions has what no earlier event differs from',
  },
  {
    name: 'daily_interactions: what is counted, by day, environment, channel',
    sets: {
      left: `SELECT position, content FROM (${ofDays('counted')}) WHERE ${WITHIN}`,
      right: `SELECT position, ${OF_DAY} AS content FROM interactions WHERE ${WITHIN}`,
      onlyLeft: 'counted in daily_interactions, but interactions has no row',
      onlyRight: 'interactions has a row, but no bitmap of daily_interactions has it',
      otherwise: 'daily_interactions counts it under another day, environment, channel or tenant, or twice',
    },
  },
  {
    name: 'daily_interactions: what is taken back',
    sets: {
      left: ofDays('voided'),
      right: `
        SELECT position, ${OF_DAY} AS content FROM interactions
        WHERE position IN (SELECT position FROM voided_interactions)`,
      onlyLeft: 'taken back in daily_interactions, but not by voided_interactions',
      onlyRight: 'voided_interactions takes it back, but no bitmap of daily_interactions does',
      otherwise: 'daily_interactions takes it back under another day, environment, channel or tenant, or twice',
    },
  },
  {
    name: 'profile_records: only counted positions',
    sets: {
      left: `SELECT position, 0 AS content FROM profile_records WHERE ${WITHIN}`,
      right: recorded('profiles', `outcome = 'counted'`, '0'),
      onlyLeft: 'profile_records has a row, but log_outcomes does not say counted',
      otherwise: '',
    },
  },
  {
    name: 'profile_changes: only counted positions',
    sets: {
      left: `SELECT position, 0 AS content FROM profile_changes WHERE ${WITHIN}`,
      right: recorded('profiles', `outcome = 'counted'`, '0'),
      onlyLeft: 'profile_changes has a row, but log_outcomes does not say counted',
      otherwise: '',
    },
  },
  {
    // Of changes from before there was this table it has what a replay brought.
    name: 'profile_changes: the newest change of each record',
    sets: {
      left: `SELECT position, ${OF_RECORD} AS content FROM profile_records WHERE ${WITHIN}`,
      right: `SELECT position, ${OF_RECORD} AS content FROM profile_changes WHERE ${WITHIN}`,
      onlyLeft: 'profile_records has a row, but profile_changes has none',
      otherwise: 'profile_changes says something else than profile_records',
    },
  },
];
