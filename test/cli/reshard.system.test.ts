/**
 * `tally reshard` as it is used: killed and called again, refused while it has not ended, and services moved over. On the
 * servers of the tests, however many those are; `npm run drill` does it on further ones.
 */
import { verify } from '@tally/audit';
import { consumerConfig, startConsumer } from '@tally/consumer';
import { allFigures, differences } from '@tally/figures';
import { ClickHouse, clickhouseEnvironment, shardDatabase } from '@tally/platform/clickhouse';
import { parseConfig } from '@tally/platform/config';
import { readTopic } from '@tally/platform/kafka';
import { createLog } from '@tally/platform/log';
import { encodeRecord, recordKey, type TallyRecord } from '@tally/schemas';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { interactionOf, mixedHistory } from '../support/history.ts';
import { databaseOptions, dropDatabase, TestSystem } from '../support/system.ts';
import { type Finished, spawnTally, tallyWith } from '../support/tally-command.ts';

const TENANT = 'reshard-1';
const LATER = 5;

describe('tally reshard', () => {
  let system: TestSystem;
  let made: ClickHouse;
  let old: string;
  /** Of services on the database that is made. */
  let environment: Record<string, string>;
  let command: string[];

  beforeAll(async () => {
    system = await TestSystem.create('reshard');
    old = system.clickhouse.database;
    const options = databaseOptions(`${old}_new`);
    const { url, database, shards = [url], cluster = 'tally_1' } = options;
    made = new ClickHouse(options);
    environment = { ...system.env, ...clickhouseEnvironment(options) };
    command = ['reshard', '--database', database, '--shards', shards.join(','), '--cluster', cluster];
    const { events, profiles } = mixedHistory(TENANT);
    await send(system, [...events, ...profiles]);
    await counted();
  });

  afterAll(async () => {
    await dropDatabase(made);
    await made.close();
    await system.close();
  });

  /** A consumer counts what is there, and stops. */
  async function counted(env: Record<string, string> = {}): Promise<void> {
    const consumer = await system.consumer(env);
    await system.caughtUp();
    await consumer.stop();
  }

  const run = (...args: string[]): Promise<Finished> => tallyWith(system.env, ...args);
  const figuresOf = (clickhouse: ClickHouse): Promise<Map<string, string>> => allFigures(clickhouse, Date.now());

  it('killed in the middle, leaves a database that no service and no migration takes', async () => {
    const { child, finished } = spawnTally(command, system.env);
    const begun = new Promise<void>((resolve) => {
      child.stderr?.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes('copied log_outcomes')) resolve();
      });
    });
    await Promise.race([begun, finished]);
    child.kill('SIGKILL');
    expect((await finished).exitCode).toBe(-1);
    const migrated = await tallyWith(environment, 'migrate');
    expect(migrated.stderr).toMatch(/\[COPY_UNFINISHED\]\n$/);
    expect(migrated.exitCode).toBe(1);
    const config = parseConfig(consumerConfig, environment);
    const log = createLog('test', 'silent');
    const starting = startConsumer({ config, log, onFatal: () => undefined });
    await expect(starting).rejects.toMatchObject({ code: 'SHARDS_DIFFER' });
  });

  it('goes on when it is called again, and finds every figure in both', async () => {
    const { exitCode, stdout, stderr } = await run(...command, '--json');
    expect(exitCode, stderr + stdout).toBe(0);
    const report = JSON.parse(stdout) as { figures: number; differences: string[]; shards: number };
    expect(report).toMatchObject({ differences: [], shards: made.shards.length });
    expect(report.figures).toBeGreaterThan(20);
  });

  it('refuses a database that is whole', async () => {
    const { exitCode, stderr } = await run(...command);
    expect(stderr).toMatch(/\[DATABASE_EXISTS\]\n$/);
    expect(exitCode).toBe(1);
  });

  it('moves consumers and decisions over, with what was counted and decided in between', async () => {
    await send(
      system,
      Array.from({ length: LATER }, (_, index) =>
        interactionOf(TENANT, 1_000 + index, { direction: index === 0 ? 'inbound' : 'outbound' }),
      ),
    );
    await counted();
    const ask = await system.api();
    const policies = [{ from: null, policy: 'outbound-only' }];
    const decision = { policies, because: 'decided in the old one', by: 'ada' };
    expect((await ask(`/v1/tenants/${TENANT}/policies`, { method: 'PUT', body: decision })).status).toBe(200);
    const before = await figuresOf(system.clickhouse);
    expect(differences(before, await figuresOf(made))).not.toEqual([]);

    const { interactions, profiles } = system.topics;
    for (const topic of [interactions, profiles]) {
      const rewound = await tallyWith(environment, 'log', 'rewind', '--topic', topic);
      expect(rewound.exitCode, rewound.stderr).toBe(0);
    }
    await counted(environment);
    // The events are there; the policy by which they do not count is not yet.
    expect(differences(before, await figuresOf(made))).not.toEqual([]);
    const over = await tallyWith(environment, 'reshard', '--carry-over', '--database', made.database, '--from', old);
    expect(over.exitCode, over.stderr).toBe(0);
    expect(over.stdout).toMatch(/^\d+ rows came over from /);
    expect(differences(before, await figuresOf(made))).toEqual([]);
    const again = await tallyWith(environment, 'reshard', '--carry-over', '--database', made.database, '--from', old);
    expect(again.stdout).toBe(`0 rows came over from ${old}\n`);
  });

  it('refuses to bring decisions into a database that services do not run on', async () => {
    const { exitCode, stderr } = await run('reshard', '--carry-over', '--database', made.database, '--from', old);
    expect(stderr).toContain(`--carry-over is for services that run on ${made.database}`);
    expect(exitCode).toBe(1);
  });

  it('has a ledger that verifies, and every figure when the old database is gone', async () => {
    const before = await figuresOf(made);
    await renameOld('', '_away');
    try {
      expect(differences(before, await figuresOf(made))).toEqual([]);
      const { verified, differences: wrong } = await verify({
        ...system,
        clickhouse: made,
        clock: Date.now,
        readTopic: (topic, visit) => readTopic(system, topic, visit),
        onProgress: () => undefined,
      });
      expect(wrong).toEqual([]);
      expect(verified).toBe(true);
    } finally {
      await renameOld('_away', '');
    }
  });

  /** On every server, by way of the other database: a client of one that is not there is refused. */
  async function renameOld(from: string, to: string): Promise<void> {
    const rename = (server: ClickHouse, name: string): Promise<void> =>
      server.command(`RENAME DATABASE ${name}${from} TO ${name}${to}`);
    await rename(made, old);
    for (const shard of made.isCluster ? made.shards : []) await rename(shard, shardDatabase(old));
  }
});

async function send({ sender, topics }: TestSystem, records: readonly TallyRecord[]): Promise<void> {
  await sender.send(
    records.map((record) => ({
      topic: record.schema === 'ProfileRecord' ? topics.profiles : topics.interactions,
      key: Buffer.from(recordKey(record)),
      value: encodeRecord(record),
    })),
  );
}
