/**
 * A log with records of every outcome on both of its partitions, taken in, and what the ledger says of it.
 */
import { type Verification, verify } from '@tally/audit';
import { positionOf } from '@tally/consumer';
import type { Ledger } from '@tally/figures';
import { readTopic } from '@tally/platform/kafka';
import { encodeRecord, recordKey, type TallyRecord } from '@tally/schemas';
import { expect } from 'vitest';
import { mixedHistory } from './history.ts';
import { ADMIN_KEY, TestSystem } from './system.ts';
import { tallyWith } from './tally-command.ts';

const PARTITIONS = 2;
/** Both partitions have some of its records of every outcome. */
export const LEDGER_TENANT = 'ledger-3';
export const LEDGER_HISTORY = mixedHistory(LEDGER_TENANT);
/** Records that are none. */
export const DEAD = 5;

type Ask = Awaited<ReturnType<TestSystem['api']>>;

export class LedgerStage {
  readonly system: TestSystem;
  readonly #ask: Ask;
  readonly #apiUrl: string;

  private constructor(system: TestSystem, ask: Ask, apiUrl: string) {
    this.system = system;
    this.#ask = ask;
    this.#apiUrl = apiUrl;
  }

  static async open(name: string): Promise<LedgerStage> {
    const system = await TestSystem.create(name, { partitions: PARTITIONS });
    const { interactions, profiles: profilesTopic } = system.topics;
    const { events, profiles } = LEDGER_HISTORY;
    await sendAll(system, events);
    await system.sender.send(
      Array.from({ length: DEAD }, (_, index) => ({
        topic: index === 0 ? profilesTopic : interactions,
        key: Buffer.from('k'),
        value: Buffer.from([index]),
      })),
    );
    for (const record of profiles) await sendAll(system, [record]);
    const consumer = await system.consumer();
    await system.caughtUp();
    await consumer.stop();
    return new LedgerStage(system, await system.api(), (await system.service('api/main.ts')).url);
  }

  close(): Promise<void> {
    return this.system.close();
  }

  /** In one request, so in the given order within a partition. */
  send(records: readonly TallyRecord[]): Promise<void> {
    return sendAll(this.system, records);
  }

  async ledger(): Promise<Ledger> {
    const { status, body } = await this.#ask('/v1/ledger');
    expect(status).toBe(200);
    return body;
  }

  verified(): Promise<Verification> {
    return verify({
      ...this.system,
      clock: Date.now,
      readTopic: (topic, visit) => readTopic(this.system, topic, visit),
      onProgress: () => undefined,
    });
  }

  /** `tally ledger`. */
  command(...args: string[]): ReturnType<typeof tallyWith> {
    return tallyWith({ ...this.system.env, TALLY_API: this.#apiUrl, TALLY_KEY: ADMIN_KEY }, 'ledger', ...args);
  }

  /** The offset of the nth position with an outcome on partition 0, lowest first. */
  async offsetOf(outcome: string, nth = 0): Promise<number> {
    const { position } = await this.system.clickhouse.queryOne<{ position: string }>(
      `SELECT arraySort(bitmapToArray(groupBitmapMergeState(positions)))[{nth:UInt32}] AS position
       FROM log_outcomes WHERE epoch = 1 AND partition = 0 AND outcome = {outcome:String}`,
      { nth: nth + 1, outcome },
    );
    if (position === '0') throw new Error(`partition 0 has no more than ${nth} positions that are ${outcome}`);
    return Number(BigInt(position) - positionOf(1, 0, 0n));
  }

  /** Breaks a table by hand, looks, and puts the table back as it was; meanwhile `kept` has its rows. */
  async whileBroken<Result>(
    table: string,
    statements: string | readonly string[],
    look: () => Promise<Result>,
  ): Promise<Result> {
    // Where partition 0 is.
    const run = (sql: string): Promise<void> => this.system.clickhouse.shardOf(0).command(sql);
    await run(`CREATE TABLE kept AS ${table}`);
    await run(`INSERT INTO kept SELECT * FROM ${table}`);
    try {
      for (const statement of [statements].flat()) await run(statement);
      return await look();
    } finally {
      await run(`TRUNCATE TABLE ${table}`);
      await run(`INSERT INTO ${table} SELECT * FROM kept`);
      await run('DROP TABLE kept SYNC');
    }
  }
}

/** Gives an offset of partition 0 an outcome, beside the one that it has. */
export function outcomeRow(outcome: string, offset: number): string {
  const position = positionOf(1, 0, BigInt(offset));
  return `INSERT INTO log_outcomes
     SELECT 1, 0, 0, '${outcome}', groupBitmapState(toUInt64(${position})), ${position}`;
}

async function sendAll({ sender, topics }: TestSystem, records: readonly TallyRecord[]): Promise<void> {
  await sender.send(
    records.map((record) => ({
      topic: record.schema === 'ProfileRecord' ? topics.profiles : topics.interactions,
      key: Buffer.from(recordKey(record)),
      value: encodeRecord(record),
    })),
  );
}
