/**
 * The log as SQL: what record number n says, worked out from n alone. So it can be made in any chunks and in any order,
 * a repetition knows where its first occurrence stands, and nothing has to be remembered from one chunk to the next.
 *
 * Record n lies on partition n mod P at offset n div P; it takes its entity from those whose key hashes to that
 * partition. A partition's records form blocks of 100, and a record's place in its block, its slot, says what it is:
 *
 *   slot 0         repeats one of the slots 10 to 17 of an earlier block, as it was: duplicate
 *   slot 1         the same; in every fourth block with other content: conflicting
 *   slot 2         of blocks 3, 7, 11 …: voids slot 12 two blocks later, which is then suppressed;
 *                  of the others: voids slot 13 of a block some days ago
 *   slot 3         of every sixteenth block: repeats the void of the block before: duplicate
 *   all others     an event of their own, as is a record whose other one would lie outside the round
 *
 * Each event is voided at most once, and what is repeated is an event of its own; so each outcome follows from the slot.
 */
import type { Params } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import type { Round } from './history.ts';
import type { EntityRange, MadePopulation } from './population.ts';

/** Where the records go, and whose they are. */
export interface Plan {
  population: MadePopulation;
  seed: number;
  epoch: number;
  partitions: number;
}

/** A query without its parameters' values. */
export interface Statement {
  sql: string;
  params: Params;
}

const BLOCK = 100;
/** Entities of which a few are busy, others quiet; who is busy changes with time. */
const CLUSTER = 64;
const HOUR_MS = 3_600_000;
const LATE_PERCENT = 3;
const LATE_MS_MAX = 20 * 24 * HOUR_MS;
/** Records of one minute are not in the order of time. */
const JITTER_MS = 60_000;

/** `hash(salt, number)`: independent for each salt. */
const hash = (salt: number, number: string): string => `cityHash64({seed:UInt32}, ${salt}, ${number})`;
const unit = (salt: number, number: string): string => `(${hash(salt, number)} % 4294967296) / 4294967296`;

/** What each record repeats or voids, if anything; rows are counted within the round and the partition. */
const SLOTS = `
  SELECT
    number + {chunkFirst:UInt64} AS n,
    n % {partitions:UInt64} AS partition,
    toInt64(intDiv(n - {first:UInt64}, {partitions:UInt64})) AS row,
    intDiv(row, ${BLOCK}) AS block,
    row % ${BLOCK} AS slot,
    if(${hash(1, 'n')} % 4 = 0, {farBlocks:UInt64}, 20) AS back_max,
    toInt64(1 + ${hash(2, 'n')} % greatest(1, least(back_max, block))) AS back,
    multiIf(
      slot < 2, (block - back) * ${BLOCK} + 10 + toInt64(${hash(3, 'n')} % 8),
      slot = 2 AND block % 4 = 3, (block + 2) * ${BLOCK} + 12,
      slot = 2, (block - toInt64({voidBlocks:UInt64})) * ${BLOCK} + 13,
      slot = 3 AND block % 16 = 4, (block + 1) * ${BLOCK} + 12,
      -1
    ) AS wanted,
    wanted >= 0 AND wanted < {rows:Int64} AS refers,
    multiIf(
      NOT refers, if(slot = 12 AND block % 4 = 1 AND block >= 5, 'suppressed', 'counted'),
      slot = 0, 'duplicate',
      slot = 1, if(block % 4 = 0, 'conflicting', 'duplicate'),
      slot = 2, 'void',
      'duplicate'
    ) AS outcome,
    refers AND slot >= 2 AS is_void,
    -- The record whose identity this one has, and the one whose content.
    if(refers, {first:UInt64} + toUInt64(wanted) * {partitions:UInt64} + partition, n) AS source,
    if(outcome = 'conflicting', n, source) AS content
  FROM numbers_mt({chunkRecords:UInt64})`;

/** The entity and the content of each record. */
const RECORDS = (database: string): string => `
  SELECT
    n, partition, outcome, is_void, source,
    toUInt64(transform(partition, {partitionNumbers:Array(UInt64)}, {rangeCounts:Array(UInt64)}, toUInt64(1))) AS ranges,
    partition * {rangesMax:UInt64} + ${hash(4, 'source')} % ranges AS chosen,
    transform(chosen, {rangeKeys:Array(UInt64)}, {rangeStarts:Array(UInt64)}, toUInt64(0)) AS range_start,
    transform(chosen, {rangeKeys:Array(UInt64)}, {rangeSizes:Array(UInt64)}, toUInt64(1)) AS range_size,
    (source - {first:UInt64}) / {records:UInt64} AS moment,
    (content - {first:UInt64}) / {records:UInt64} AS content_moment,
    toUInt64(floor(${unit(5, 'source')} * ceil(range_size / ${CLUSTER}))) * ${CLUSTER}
      + (toUInt64(floor(pow(${unit(6, 'source')}, 3) * ${CLUSTER})) + toUInt64(moment * ${CLUSTER / 2})) % ${CLUSTER} AS within,
    dictGet(
      '${database}.numbered', ('tenant_id', 'environment_id', 'entity_type', 'entity_id', 'entity_key'),
      range_start + within % range_size
    ) AS entity,
    lower(hex(bitXor(intHash64(source), cityHash64({seed:UInt32})))) AS event_id,
    ${hash(7, 'content')} % 100 AS channel_draw,
    ['email', 'sms', 'push', 'form_submission', 'voice', 'custom'][
      1 + (channel_draw >= 55) + (channel_draw >= 70) + (channel_draw >= 85) + (channel_draw >= 93) + (channel_draw >= 96)
    ] AS channel,
    if(channel = 'form_submission' OR channel_draw >= 98 OR channel_draw = 69, 'inbound', 'outbound') AS direction,
    toInt64({from:UInt64} + floor(content_moment * {span:UInt64})) + toInt64(${hash(8, 'content')} % ${JITTER_MS})
      - if(${hash(9, 'content')} % 100 < ${LATE_PERCENT}, toInt64(${hash(10, 'content')} % {lateMsMax:UInt64}), 0) AS occurred_ms,
    toInt64({from:UInt64} + floor((n - {first:UInt64}) / {records:UInt64} * {span:UInt64})) AS sent_ms,
    if(${hash(11, 'content')} % 10 = 0, '', concat('journey-', toString(${hash(11, 'content')} % 24))) AS journey_id,
    ['', 'northwind-mail', 'tailspin-text', ''][1 + ${hash(12, 'content')} % 4] AS provider,
    reinterpretAsUInt64(substring(SHA256(concat(
      '["', channel, '","', direction, '",', toString(occurred_ms), ',',
      if(journey_id = '', 'null', concat('"', journey_id, '"')), ',',
      if(provider = '', 'null', concat('"', provider, '"')), ']'
    )), 1, 8)) AS content_digest
  FROM (${SLOTS})`;

/** The same records as rows of table `ingest`: what the consumer would have written for them. */
export function ingestRows(plan: Plan, round: Round, chunk: { first: number; records: number }): Statement {
  const none = 'is_void AND NOT takes_back';
  const sql = `
    SELECT
      {epochStart:UInt64} + bitShiftLeft(partition, 40) + intDiv(n, {partitions:UInt64}) AS position,
      outcome, entity.1 AS tenant_id, entity.2 AS environment_id, entity.3 AS entity_type, entity.4 AS entity_id,
      entity.5 AS entity_key, event_id,
      reinterpretAsUInt128(substring(SHA256(concat(
        entity.1, '\\0', entity.2, '\\0', entity.3, '\\0', entity.4, '\\0', event_id
      )), 1, 16)) AS event_key,
      if(${none}, 'email', channel) AS channel,
      if(${none}, 'outbound', direction) AS direction,
      fromUnixTimestamp64Milli(if(${none}, 0, occurred_ms), 'UTC') AS occurred_at,
      if(is_void, '', journey_id) AS journey_id,
      if(is_void, '', provider) AS provider,
      if(${none}, 0, content_digest) AS content_hash,
      if(takes_back, {epochStart:UInt64} + bitShiftLeft(partition, 40) + intDiv(source, {partitions:UInt64}), 0)
        AS taken_back_position,
      if(is_void, sent_ms, 0) AS voided_at,
      if(is_void, 'withdrawn', '') AS void_reason
    FROM (SELECT *, outcome = 'void' AND source < n AS takes_back FROM (${RECORDS(plan.population.database)}))`;
  return { sql, params: paramsOf(plan, round, chunk) };
}

/** The same records as their senders wrote them, in the order of the log, partition by partition. */
export function sentRecords(plan: Plan, round: Round): Statement {
  const sql = `
    SELECT
      partition, intDiv(n, {partitions:UInt64}) AS offset, outcome, is_void,
      entity.1 AS tenant_id, entity.2 AS environment_id, entity.3 AS entity_type, entity.4 AS entity_id, event_id,
      channel, direction, occurred_ms, journey_id, provider, sent_ms
    FROM (${RECORDS(plan.population.database)})
    ORDER BY partition, offset`;
  return { sql, params: paramsOf(plan, round, round) };
}

function paramsOf(plan: Plan, round: Round, chunk: { first: number; records: number }): Params {
  const { seed, epoch, partitions } = plan;
  if (round.first % partitions !== 0 || round.records % partitions !== 0) {
    throw new TallyError('a round must give every partition the same number of records', {
      code: 'SCALE_ROUND',
      retriable: false,
    });
  }
  const blocks = Math.ceil(round.records / partitions / BLOCK);
  return {
    seed,
    epochStart: (BigInt(epoch) << 56n).toString(),
    partitions,
    first: round.first,
    records: round.records,
    rows: round.records / partitions,
    from: round.from,
    span: round.until - round.from,
    lateMsMax: Math.min(LATE_MS_MAX, Math.max(1, round.until - round.from)),
    farBlocks: Math.max(20, blocks >> 1),
    voidBlocks: Math.max(2, Math.floor(blocks / 50)),
    chunkFirst: chunk.first,
    chunkRecords: chunk.records,
    ...rangeParams(plan, round),
  };
}

/**
 * From which entities a partition's records are drawn: all of it as one range, so that a tenant's share of the events is
 * its share of the entities; or, with ranks given, each of those tenants alike.
 */
function rangeParams({ population, partitions }: Plan, { ranks }: Round): Params {
  const byPartition = Array.from({ length: partitions }, (_, partition) => {
    const own = population.ranges.filter((range) => range.partition === partition);
    const ranges = ranks ? own.filter(({ rank }) => ranks.includes(rank)) : whole(own);
    if (ranges.length > 0) return ranges;
    throw new TallyError(`no entity for partition ${partition}: take more entities`, {
      code: 'SCALE_POPULATION',
      retriable: false,
    });
  });
  const rangesMax = Math.max(...byPartition.map((ranges) => ranges.length));
  const all = byPartition.flatMap((ranges, partition) =>
    ranges.map(({ start, count }, index) => ({ key: partition * rangesMax + index, start, count })),
  );
  return {
    rangesMax,
    partitionNumbers: byPartition.map((_, partition) => partition),
    rangeCounts: byPartition.map((ranges) => ranges.length),
    rangeKeys: all.map(({ key }) => key),
    rangeStarts: all.map(({ start }) => start),
    rangeSizes: all.map(({ count }) => count),
  };
}

/** A partition's entities follow each other, whatever their tenant. */
function whole(ranges: readonly EntityRange[]): Pick<EntityRange, 'start' | 'count'>[] {
  const [first] = ranges;
  if (!first) return [];
  return [{ start: first.start, count: ranges.reduce((sum, { count }) => sum + count, 0) }];
}
