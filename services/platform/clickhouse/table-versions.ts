/**
 * Whether a table holds what it held before. Each insert takes the next block number of its table, which merges keep, and
 * mutations are counted apart, with the parts each has still to change; so where the version is the same, so is every
 * answer made from the table. On a cluster a table's version is that of its parts on all shards. It does not hold for
 * replicas, which may be behind one another: there no two versions are the same.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { TallyError } from '../errors.ts';
import type { ClickHouse } from './client.ts';

export interface Versions {
  /** Of each table that is read by name. */
  byTable: ReadonlyMap<string, string>;
  /** What of it changes when the table is another one or rows in it are changed, but not when some are added. */
  unlessAdded: ReadonlyMap<string, string>;
  /** Of all of them together. */
  whole: string;
}

/** Whoever asks in the meantime shares the next look: hundreds of callers are not to be as many questions. */
const BETWEEN_LOOKS_MS = 20;
/** A look takes ClickHouse as much as an answer or two: looks must not be what it is busy with … */
const BETWEEN_LOOKS_TIMES_THEIR_LENGTH = 3;
/** … nor may everybody wait for them because they take long. */
const BETWEEN_LOOKS_MS_MAX = 100;

const VERSIONS = `
  SELECT name, blocks, concat(toString(uuid), ' ', mutated) AS unless_added, is_distributed
  FROM (
    SELECT name, uuid, engine = 'Distributed' AS is_distributed FROM system.tables
    WHERE database = currentDatabase() AND (engine LIKE '%MergeTree' OR engine = 'Distributed')
  ) AS tables
  LEFT JOIN (
    SELECT table, concat(toString(count()), ' ', toString(sum(newest))) AS blocks
    FROM (
      SELECT table, partition_id, max(max_block_number) AS newest
      FROM system.parts
      WHERE active AND database = currentDatabase()
      GROUP BY table, partition_id
    )
    GROUP BY table
  ) AS parts ON parts.table = tables.name
  LEFT JOIN (
    SELECT table, concat(toString(count()), ' ', toString(sum(parts_to_do)), ' ', toString(sum(is_done))) AS mutated
    FROM system.mutations
    WHERE database = currentDatabase()
    GROUP BY table
  ) AS mutations ON mutations.table = tables.name
  ORDER BY name`;

export class TableVersions {
  readonly #clickhouse: ClickHouse;
  #reading: Promise<Versions> | undefined;
  #next: Promise<Versions> | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  #lookedForMs = 0;
  #looks = 0;

  constructor(clickhouse: ClickHouse) {
    this.#clickhouse = clickhouse;
  }

  /** As they are at a moment after the call, so that whatever was written before it shows. */
  now(): Promise<Versions> {
    this.#next ??= this.#begin();
    return this.#next;
  }

  async #begin(): Promise<Versions> {
    await this.#reading?.catch(() => {});
    const wanted = Math.min(this.#lookedForMs * BETWEEN_LOOKS_TIMES_THEIR_LENGTH, BETWEEN_LOOKS_MS_MAX);
    const apart = Math.max(BETWEEN_LOOKS_MS, wanted);
    const pause = this.#readAt + apart - performance.now();
    if (pause > 0) await sleep(pause);
    // From here on it is too late to join.
    this.#next = undefined;
    this.#readAt = performance.now();
    this.#reading = this.#read().finally(() => {
      this.#lookedForMs = performance.now() - this.#readAt;
    });
    return this.#reading;
  }

  async #read(): Promise<Versions> {
    const clickhouse = this.#clickhouse;
    const places = clickhouse.isCluster ? [clickhouse, ...clickhouse.shards] : [clickhouse];
    const answers = await Promise.all(places.map((place) => place.query<VersionRow>(VERSIONS)));
    const rows = answers.flat().map((row) => ({ ...row, version: `${row.unless_added} ${row.blocks}` }));
    if (!clickhouse.isCluster && rows.some(({ is_distributed }) => is_distributed === 1)) throw notAlone(clickhouse);
    const unique = clickhouse.isReplicated ? ` ${this.#looks++}` : '';
    const byTable = new Map<string, string>();
    const unlessAdded = new Map<string, string>();
    for (const { name, version, unless_added } of rows) {
      byTable.set(name, `${byTable.get(name) ?? ''}${version}${unique};`);
      unlessAdded.set(name, `${unlessAdded.get(name) ?? ''}${unless_added}${unique};`);
    }
    return { byTable, unlessAdded, whole: [...byTable].map(([name, version]) => `${name} ${version}`).join('\n') };
  }
}

interface VersionRow {
  name: string;
  blocks: string;
  unless_added: string;
  is_distributed: 0 | 1;
}

/** What changes on the other servers would not show. */
function notAlone({ database }: ClickHouse): TallyError {
  return new TallyError(`database ${database} is on several servers: TALLY_CLICKHOUSE_SHARDS must name them`, {
    code: 'SHARDS_DIFFER',
    retriable: false,
  });
}
