/**
 * The entities, once each, in a database of the generator's own: their keys are hashed here and looked up for every
 * event. Entities are numbered so that those of one partition, and in it those of one tenant, follow each other.
 */
import { ClickHouse } from '@tally/platform/clickhouse';
import { type Population, tenantOf, tenantSizes } from './history.ts';

/** Entities of one tenant on one partition: numbers `start` to `start + count - 1`. */
export interface EntityRange {
  partition: number;
  rank: number;
  start: number;
  count: number;
}

export interface MadePopulation {
  /** Database with the entities; dropped by `dropPopulation`. */
  database: string;
  ranges: EntityRange[];
}

/**
 * Ids that no two entities share; two to four environments a tenant, four fifths of its entities in the first.
 * `entity` is the entity's number before it is known on which partition it lies.
 */
const ENTITIES = `
  SELECT
    rank, tenant_id,
    multiIf(
      share < 80, 'production',
      environments = 2 OR share < 92, 'sandbox',
      environments = 3 OR share < 97, 'development',
      'trial'
    ) AS environment_id,
    ['contact', 'lead', 'profile', 'custom', 'other'][
      1 + (kind >= 62) + (kind >= 82) + (kind >= 92) + (kind >= 98)
    ] AS entity_type,
    lower(hex(bitXor(cityHash64({seed:UInt32}), intHash64(entity)))) AS entity_id,
    kafkaMurmurHash(concat(tenant_id, '/', environment_id, '/', entity_type, '/', entity_id)) % {partitions:UInt16} AS partition,
    reinterpretAsUInt128(substring(SHA256(concat(
      tenant_id, '\\0', environment_id, '\\0', entity_type, '\\0', entity_id
    )), 1, 16)) AS entity_key
  FROM
  (
    SELECT
      rank, tenant_id, entity,
      2 + rank % 3 AS environments,
      cityHash64({seed:UInt32}, 1, entity) % 100 AS share,
      cityHash64({seed:UInt32}, 2, entity) % 100 AS kind
    FROM (SELECT rank, tenant_id, arrayJoin(range(first, first + size)) AS entity FROM tenants)
  )`;

const DICTIONARY = (database: string): string => `
  CREATE DICTIONARY numbered
  (
    number UInt64, tenant_id String, environment_id String, entity_type String, entity_id String, entity_key UInt128
  )
  PRIMARY KEY number
  SOURCE(CLICKHOUSE(DB '${database}' TABLE 'entities'))
  LAYOUT(FLAT(INITIAL_ARRAY_SIZE 1048576 MAX_ARRAY_SIZE 1000000000))
  LIFETIME(0)`;

/** Makes the entities anew. Takes some ten seconds for four million. */
export async function makePopulation(
  options: { url: string; database: string; partitions: number },
  population: Population,
): Promise<MadePopulation> {
  const { url, database, partitions } = options;
  const root = new ClickHouse({ url, database: 'default' });
  await root.command(`DROP DATABASE IF EXISTS ${database} SYNC`);
  await root.command(`CREATE DATABASE ${database}`);
  await root.close();
  const clickhouse = new ClickHouse({ url, database });
  try {
    await clickhouse.command(
      'CREATE TABLE tenants (rank UInt32, tenant_id String, first UInt64, size UInt64) ENGINE = Memory',
    );
    await clickhouse.insert('tenants', tenantRows(population));
    await clickhouse.command(`
      CREATE TABLE entities
      (
        number UInt64, partition UInt16, rank UInt32, tenant_id LowCardinality(String),
        environment_id LowCardinality(String), entity_type LowCardinality(String), entity_id String, entity_key UInt128
      )
      ENGINE = MergeTree ORDER BY number`);
    await clickhouse.command(
      `INSERT INTO entities
       SELECT
         row_number() OVER (ORDER BY partition, rank, entity_key) - 1 AS number,
         partition, rank, tenant_id, environment_id, entity_type, entity_id, entity_key
       FROM (${ENTITIES})`,
      { seed: population.seed, partitions },
    );
    await clickhouse.command(DICTIONARY(database));
    return { database, ranges: await readRanges(clickhouse) };
  } finally {
    await clickhouse.close();
  }
}

/** Gives back the memory and the disk that the entities took. */
export async function dropPopulation(clickhouse: ClickHouse, { database }: MadePopulation): Promise<void> {
  await clickhouse.command(`DROP DATABASE IF EXISTS ${database} SYNC`);
}

function tenantRows(population: Population): object[] {
  let first = 0;
  return tenantSizes(population).map((size, index) => {
    const row = { rank: index + 1, tenant_id: tenantOf(index + 1), first, size };
    first += size;
    return row;
  });
}

async function readRanges(clickhouse: ClickHouse): Promise<EntityRange[]> {
  const rows = await clickhouse.query<{ partition: number; rank: number; start: string; count: string }>(
    'SELECT partition, rank, min(number) AS start, count() AS count FROM entities GROUP BY partition, rank ORDER BY partition, rank',
  );
  return rows.map(({ partition, rank, start, count }) => ({
    partition,
    rank,
    start: Number(start),
    count: Number(count),
  }));
}
