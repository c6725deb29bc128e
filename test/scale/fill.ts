/**
 * Puts the records into ClickHouse the way the consumer does: into table `ingest`, from where the same views fill every
 * derived table. Only the encoding and the look-up of known keys are left out.
 */
import { progressBar } from '@tally/cli/progress';
import { currentLog } from '@tally/consumer';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { type Population, type Round, wholeRows } from './history.ts';
import { dropPopulation, type MadePopulation, makePopulation } from './population.ts';
import { ingestRows, type Plan } from './records.ts';

export interface GeneratorOptions {
  /** Database whose tables are filled; a log is open there for the topic, with nothing in it. */
  clickhouse: ClickHouse;
  /** The same server. */
  url: string;
  topic: string;
  population: Population;
}

/** Of one statement; the server holds some 400 bytes of each. */
const CHUNK_RECORDS_MAX = 4_000_000;

/**
 * Large blocks make few parts and let each view aggregate more at once. Two blocks are on their way at a time, one a
 * core. The tables' own settings stay: what is acknowledged is on disk.
 */
const FILL_SETTINGS = `
  max_threads = 2, max_insert_threads = 2, max_block_size = 65536, parallel_view_processing = 0,
  min_insert_block_size_rows = 1000000, min_insert_block_size_bytes = 0,
  min_insert_block_size_rows_for_materialized_views = 0, min_insert_block_size_bytes_for_materialized_views = 0,
  use_async_executor_for_materialized_views = 0`;

const INGEST_COLUMNS = `position, outcome, tenant_id, environment_id, entity_type, entity_id, entity_key, event_id, event_key,
  channel, direction, occurred_at, journey_id, provider, content_hash, taken_back_position, voided_at, void_reason`;

/** A log that grows round by round. */
export class Generator {
  readonly plan: Plan;
  readonly #clickhouse: ClickHouse;
  readonly #population: MadePopulation;
  #end = 0;

  private constructor(clickhouse: ClickHouse, population: MadePopulation, plan: Plan) {
    this.#clickhouse = clickhouse;
    this.#population = population;
    this.plan = plan;
  }

  /** Makes the entities. Records that a generator of the same seed and population has written before are gone on from. */
  static async create(options: GeneratorOptions): Promise<Generator> {
    const { clickhouse, url, topic, population } = options;
    const { epoch, partitions } = await currentLog(clickhouse, topic);
    const made = await makePopulation({ url, database: `${clickhouse.database}_scale`, partitions }, population);
    const generator = new Generator(clickhouse, made, { population: made, seed: population.seed, epoch, partitions });
    generator.#end = await recordsWritten(clickhouse, epoch);
    return generator;
  }

  /** Number of records so far; each partition ends at this divided by the number of partitions. */
  get records(): number {
    return this.#end;
  }

  /** The next offset of each partition: what a consumer would have committed. */
  offsets(): Map<number, bigint> {
    const next = BigInt(this.#end / this.plan.partitions);
    return new Map(Array.from({ length: this.plan.partitions }, (_, partition) => [partition, next]));
  }

  /** Appends a round of at least so many records, rounded up to what the partitions share evenly. */
  async append(round: Omit<Round, 'first'>): Promise<Round> {
    const whole: Round = { ...round, first: this.#end, records: wholeRows(round.records, this.plan.partitions) };
    const bar = progressBar('generated', whole.records, 'events');
    for (let done = 0; done < whole.records; done += CHUNK_RECORDS_MAX) {
      const records = Math.min(CHUNK_RECORDS_MAX, whole.records - done);
      const { sql, params } = ingestRows(this.plan, whole, { first: whole.first + done, records });
      await this.#clickhouse.command(`INSERT INTO ingest (${INGEST_COLUMNS}) SETTINGS ${FILL_SETTINGS} ${sql}`, params);
      bar.update(done + records);
    }
    bar.finish(whole.records);
    bar.stop();
    this.#end += whole.records;
    return whole;
  }

  /** Takes the entities out of the server's memory, some hundred megabytes; the next round brings them back. */
  async rest(): Promise<void> {
    await this.#clickhouse.command(`SYSTEM UNLOAD DICTIONARY ${this.#population.database}.numbered`);
  }

  /** Drops the entities, which only the generator needs: their memory is not Tally's. */
  async close(): Promise<void> {
    await dropPopulation(this.#clickhouse, this.#population);
  }
}

/** Number of records of a log so far. */
export async function recordsWritten(clickhouse: ClickHouse, epoch: number): Promise<number> {
  const { written } = await clickhouse.queryOne<{ written: string }>(
    `SELECT sum(positions) AS written
     FROM
     (
       SELECT bitmapCardinality(groupBitmapMergeState(positions)) AS positions
       FROM log_outcomes
       WHERE epoch = {epoch:UInt8}
       GROUP BY partition, bucket
     )`,
    { epoch },
  );
  return Number(written);
}
