/**
 * Whether a table holds what it held before. Each insert takes the next block number of its table, which merges keep, and
 * mutations are counted apart, with the parts each has still to change; so where the version is the same, so is every
 * answer made from the table. It holds for one server: replicas may be behind one another.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouse } from './client.ts';

export interface Versions {
  /** Of each table that is read by name. */
  byTable: ReadonlyMap<string, string>;
  /** Of all of them together. */
  whole: string;
}

/** Whoever asks in the meantime shares the next look: hundreds of callers are not to be as many questions. */
const BETWEEN_LOOKS_MS = 20;

const VERSIONS = `
  SELECT name, concat(toString(uuid), ' ', blocks, ' ', mutated) AS version
  FROM (
    SELECT name, uuid FROM system.tables
    WHERE database = currentDatabase() AND engine LIKE '%MergeTree'
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
    const pause = this.#readAt + BETWEEN_LOOKS_MS - performance.now();
    if (pause > 0) await sleep(pause);
    // From here on it is too late to join.
    this.#next = undefined;
    this.#readAt = performance.now();
    this.#reading = this.#read();
    return this.#reading;
  }

  async #read(): Promise<Versions> {
    const rows = await this.#clickhouse.query<{ name: string; version: string }>(VERSIONS);
    return {
      byTable: new Map(rows.map(({ name, version }) => [name, version])),
      whole: rows.map(({ name, version }) => `${name} ${version}`).join('\n'),
    };
  }
}
