/**
 * The generator writes exactly what the consumer would have written: the same log goes once through the generator and
 * once, as Avro records, through Kafka and the real consumer, and every derived table is compared row by row.
 */
import { hash } from 'node:crypto';
import { migrateClickHouse } from '@tally/clickhouse-schema';
import { openLogs } from '@tally/consumer';
import { ClickHouse } from '@tally/platform/clickhouse';
import type { OutgoingRecord } from '@tally/platform/kafka';
import {
  type Channel,
  type Direction,
  type EntityType,
  encodeRecord,
  recordKey,
  type TallyRecord,
} from '@tally/schemas';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
// The consumer offers no door to its keys.
import { contentHashOf, entityKeyOf, eventKeyOf } from '../../services/consumer/hash.ts';
import { TestSystem } from '../support/system.ts';
import { Generator } from './fill.ts';
import { fourteenMonthsTo, type Round } from './history.ts';
import { sentRecords } from './records.ts';

const PARTITIONS = 4;
const SEED = 20_261_121;
const POPULATION = { tenants: 12, entities: 1_500, seed: SEED };
const DAY_MS = 86_400_000;
const TODAY = Math.floor(Date.now() / DAY_MS) * DAY_MS;
const ROUNDS: readonly Omit<Round, 'first'>[] = [
  { records: 18_001, ...fourteenMonthsTo(TODAY) },
  { records: 2_000, from: TODAY, until: TODAY + DAY_MS / 2, ranks: [1, 5, 9] },
];

/** Each table in a form in which it does not matter how its rows are spread over parts. */
const TABLES: Record<string, (table: string) => string> = {
  interactions: whole,
  event_index: whole,
  voided_interactions: whole,
  conflicting_interactions: whole,
  daily_interactions: (table) => `
    SELECT
      tenant_id, day, environment_id, channel, direction,
      arraySort(bitmapToArray(groupBitmapMergeState(counted))) AS counted_positions,
      arraySort(bitmapToArray(groupBitmapMergeState(voided))) AS voided_positions
    FROM ${table} GROUP BY tenant_id, day, environment_id, channel, direction`,
  entity_months: (table) => `
    SELECT tenant_id, month, environment_id, entity_type, entity_key, channel, direction, groupBitOr(days) AS all_days
    FROM ${table} GROUP BY tenant_id, month, environment_id, entity_type, entity_key, channel, direction`,
  log_outcomes: (table) => `
    SELECT
      epoch, partition, bucket, outcome,
      arraySort(bitmapToArray(groupBitmapMergeState(positions))) AS all_positions, max(last) AS highest
    FROM ${table} GROUP BY epoch, partition, bucket, outcome`,
  activity: (table) => `
    SELECT tenant_id, environment_id, epoch, partition, max(last) AS highest
    FROM ${table} GROUP BY tenant_id, environment_id, epoch, partition`,
  activity_days: (table) => `
    SELECT tenant_id, day, epoch, partition, max(last) AS highest
    FROM ${table} GROUP BY tenant_id, day, epoch, partition`,
};
/** Not derived from the log. */
const OTHER_TABLES = ['logs', 'schema_migrations', 'key_schemes', 'shards', 'consumer_keys'];
/**
 * ClickHouse as it is embedded has no BLAKE3, so the generator hashes with SHA-256: before its rows are compared, each of
 * its keys is replaced by the consumer's for the same identity or content.
 */
const KEY_COLUMNS: Record<string, readonly string[]> = {
  interactions: ['entity_key', 'event_key'],
  event_index: ['event_key', 'content_hash'],
  voided_interactions: ['entity_key', 'event_key'],
  conflicting_interactions: ['entity_key', 'event_key', 'content_hash'],
  entity_months: ['entity_key'],
};

function whole(table: string): string {
  return `SELECT * FROM ${table} FINAL`;
}

interface SentRow {
  is_void: number;
  tenant_id: string;
  environment_id: string;
  entity_type: EntityType;
  entity_id: string;
  event_id: string;
  channel: Channel;
  direction: Direction;
  occurred_ms: string;
  journey_id: string;
  provider: string;
  sent_ms: string;
}

describe(`the generator for scale, seed ${SEED}`, () => {
  let system: TestSystem;
  let generated: ClickHouse;
  let generator: Generator;

  beforeAll(async () => {
    system = await TestSystem.create('scale', { partitions: PARTITIONS });
    const url = inject('clickhouseUrl');
    const { interactions, profiles } = system.topics;
    const database = `${system.clickhouse.database}_generated`;
    await migrateClickHouse({ url, database });
    generated = new ClickHouse({ url, database });
    await openLogs(generated, system.admin, [interactions, profiles]);
    generator = await Generator.create({ clickhouse: generated, url, topic: interactions, population: POPULATION });
    const rounds: Round[] = [];
    const keys = new Map<string, string>();
    for (const round of ROUNDS) rounds.push(await generator.append(round));
    for (const round of rounds) {
      const { sql, params } = sentRecords(generator.plan, round);
      const rows = await generated.query<SentRow>(sql, params);
      const records = rows.map(recordOf);
      await system.sender.send(records.map((record) => outgoing(interactions, record)));
      for (const record of records)
        for (const [generatorKey, consumerKey] of keysOf(record)) keys.set(generatorKey, consumerKey);
    }
    await generated.command(
      'CREATE TABLE consumer_keys (generator UInt128, consumer UInt128) ENGINE = Join(ANY, LEFT, generator)',
    );
    await generated.insert(
      'consumer_keys',
      [...keys].map(([generator, consumer]) => ({ generator, consumer })),
    );
    await system.consumer();
    await system.caughtUp();
  });

  afterAll(async () => {
    await generator.close();
    await generated.command(`DROP DATABASE IF EXISTS ${generated.database} SYNC`);
    await generated.close();
    await system.close();
  });

  it('fills the log as the partitioner does, without a gap', async () => {
    const extents = await system.admin.extents(system.topics.interactions);
    expect(new Map(extents.map(({ partition, end }) => [partition, end]))).toEqual(generator.offsets());
  });

  it('lets every outcome occur that an event can have, repeats near 2 % and voids near 1 %', async () => {
    const outcomes = await system.outcomes();
    const { counted = 0, duplicate = 0, conflicting = 0, void: voids = 0, suppressed = 0 } = outcomes;
    expect(counted + duplicate + conflicting + voids + suppressed).toBe(generator.records);
    expect((duplicate + conflicting) / generator.records).toBeCloseTo(0.02, 2);
    expect(voids / generator.records).toBeCloseTo(0.01, 2);
    expect(Math.min(conflicting, suppressed)).toBeGreaterThan(10);
  });

  it('is held against the consumer in every table that a log fills', async () => {
    const filled = await generated.query<{ table: string }>(
      'SELECT DISTINCT table FROM system.parts WHERE active AND rows > 0 AND database = {database:String}',
      { database: generated.database },
    );
    const derived = filled.map(({ table }) => table).filter((table) => !OTHER_TABLES.includes(table));
    expect(derived.sort()).toEqual(Object.keys(TABLES).sort());
  });

  it.each(Object.entries(TABLES))('writes %s as the consumer does', async (table, rowsOf) => {
    const ofConsumer = rowsOf(`${system.clickhouse.database}.${table}`);
    const ofGenerator = withConsumerKeys(table, rowsOf(`${generated.database}.${table}`));
    expect(await countOf(ofConsumer)).toBeGreaterThan(0);
    expect(await sampleOf(`${ofConsumer} EXCEPT ${ofGenerator}`)).toEqual([]);
    expect(await sampleOf(`${ofGenerator} EXCEPT ${ofConsumer}`)).toEqual([]);
  });

  it('has tenants of very different sizes, several environments and all kinds of everything', async () => {
    const kinds = await generated.queryOne<Record<string, string>>(`
      SELECT
        uniqExact(tenant_id) AS tenants, uniqExact(channel) AS channels, uniqExact(direction) AS directions,
        uniqExact(entity_type) AS types, uniqExact(toStartOfMonth(day)) AS months,
        countIf(tenant_id = 'tenant-0001') > 5 * countIf(tenant_id = 'tenant-0012') AS uneven
      FROM interactions`);
    expect(kinds).toMatchObject({ tenants: '12', channels: '6', directions: '2', types: '5', uneven: 1 });
    expect(Number(kinds['months'])).toBeGreaterThanOrEqual(15);
    const environments = await generated.query<{ count: string }>(
      'SELECT uniqExact(environment_id) AS count FROM interactions GROUP BY tenant_id',
    );
    expect(Math.min(...environments.map(({ count }) => Number(count)))).toBeGreaterThanOrEqual(2);
  });

  it('has a log whose order is mostly that of time, with late events', async () => {
    const { late, rows } = await generated.queryOne<{ late: string; rows: string }>(`
      SELECT countIf(occurred_at < latest - INTERVAL 1 HOUR) AS late, count() AS rows
      FROM
      (
        SELECT
          occurred_at,
          max(occurred_at) OVER (PARTITION BY bitShiftRight(position, 40) ORDER BY position) AS latest
        FROM interactions
      )`);
    expect(Number(late) / Number(rows)).toBeGreaterThan(0.015);
    expect(Number(late) / Number(rows)).toBeLessThan(0.05);
  });

  /** A key without a counterpart becomes 0, which no key is. */
  function withConsumerKeys(table: string, rows: string): string {
    const replaced = (KEY_COLUMNS[table] ?? []).map((column) => {
      const consumer = `joinGet('${generated.database}.consumer_keys', 'consumer', toUInt128(${column}))`;
      // Where a void took nothing back, no content was hashed.
      return column === 'content_hash'
        ? `if(content_hash = 0, 0, toUInt64(${consumer})) AS content_hash`
        : `${consumer} AS ${column}`;
    });
    return replaced.length === 0 ? rows : `SELECT * REPLACE (${replaced.join(', ')}) FROM (${rows})`;
  }

  async function countOf(rows: string): Promise<number> {
    return Number((await generated.queryOne<{ count: string }>(`SELECT count() AS count FROM (${rows})`)).count);
  }

  function sampleOf(rows: string): Promise<object[]> {
    return generated.query<object>(`SELECT * FROM (${rows}) LIMIT 3`);
  }
});

function recordOf(row: SentRow): TallyRecord {
  const identity = {
    eventId: row.event_id,
    tenantId: row.tenant_id,
    environmentId: row.environment_id,
    entityType: row.entity_type,
    entityId: row.entity_id,
  };
  if (row.is_void) {
    const value = { ...identity, voidedAt: Number(row.sent_ms), reason: 'withdrawn' };
    return { schema: 'InteractionVoided', value };
  }
  const { channel, direction } = row;
  const content = { channel, direction, occurredAt: Number(row.occurred_ms) };
  const origin = { journeyId: row.journey_id || null, provider: row.provider || null };
  return { schema: 'Interaction', value: { ...identity, ...content, ...origin } };
}

/** The generator's keys of a record, and the consumer's. */
function keysOf(record: TallyRecord): [string, string][] {
  if (record.schema === 'ProfileRecord') return [];
  const { tenantId, environmentId, entityType, entityId, eventId } = record.value;
  const entity = [tenantId, environmentId, entityType, entityId].join('\0');
  const keys: [string, string][] = [
    [numberOf(sha256(entity)), numberOf(entityKeyOf(record.value))],
    [numberOf(sha256(`${entity}\0${eventId}`)), numberOf(eventKeyOf(record.value))],
  ];
  if (record.schema === 'InteractionVoided') return keys;
  const { channel, direction, occurredAt, journeyId, provider } = record.value;
  const content = sha256(JSON.stringify([channel, direction, occurredAt, journeyId, provider])).subarray(0, 8);
  return [...keys, [numberOf(content), contentHashOf(record.value).toString()]];
}

function sha256(text: string): Buffer {
  return hash('sha256', text, 'buffer').subarray(0, 16);
}

/** Little-endian, as ClickHouse reads them. */
function numberOf(key: Buffer): string {
  return BigInt(`0x${Buffer.from(key).reverse().toString('hex')}`).toString();
}

function outgoing(topic: string, record: TallyRecord): OutgoingRecord {
  return { topic, key: Buffer.from(recordKey(record)), value: encodeRecord(record) };
}
