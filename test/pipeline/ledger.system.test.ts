/**
 * The ledger: every position has exactly one outcome, and `--verify` finds, and names, whatever is not as it must be.
 */
import { type Verification, verify } from '@tally/audit';
import { openLog, positionOf } from '@tally/consumer';
import type { Ledger } from '@tally/figures';
import { readTopic } from '@tally/platform/kafka';
import { encodeRecord, recordKey, type TallyRecord } from '@tally/schemas';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { interactionOf, mixedHistory } from '../support/history.ts';
import { ADMIN_KEY, TestSystem } from '../support/system.ts';
import { tallyWith } from '../support/tally-command.ts';

const PARTITIONS = 2;
const FLOW_MS = 4_000;
/** Both partitions have some of its records of every outcome. */
const tenantId = 'ledger-3';
const { first, events, profiles } = mixedHistory(tenantId);
/** Records that are none. */
const DEAD = 5;

describe('the ledger', () => {
  let system: TestSystem;
  let ask: Awaited<ReturnType<TestSystem['api']>>;
  let apiUrl: string;

  beforeAll(async () => {
    system = await TestSystem.create('ledger', { partitions: PARTITIONS });
    const { interactions, profiles: profilesTopic } = system.topics;
    await send(events);
    await system.sender.send(
      Array.from({ length: DEAD }, (_, index) => ({
        topic: index === 0 ? profilesTopic : interactions,
        key: Buffer.from('k'),
        value: Buffer.from([index]),
      })),
    );
    for (const record of profiles) await send([record]);
    const consumer = await system.consumer();
    await system.caughtUp();
    await consumer.stop();
    ask = await system.api();
    apiUrl = (await system.service('api/main.ts')).url;
  });

  afterAll(() => system.close());

  /** In one request, so in the given order within a partition. */
  async function send(records: readonly TallyRecord[]): Promise<void> {
    await system.sender.send(
      records.map((record) => ({
        topic: record.schema === 'ProfileRecord' ? system.topics.profiles : system.topics.interactions,
        key: Buffer.from(recordKey(record)),
        value: encodeRecord(record),
      })),
    );
  }

  async function ledger(): Promise<Ledger> {
    const { status, body } = await ask('/v1/ledger');
    expect(status).toBe(200);
    return body;
  }

  const verified = (): Promise<Verification> =>
    verify({
      ...system,
      clock: Date.now,
      readTopic: (topic, visit) => readTopic(system, topic, visit),
      onProgress: () => undefined,
    });

  const command = (...args: string[]) =>
    tallyWith({ ...system.env, TALLY_API: apiUrl, TALLY_KEY: ADMIN_KEY }, 'ledger', ...args);

  /** The offset of the nth position with an outcome on partition 0, lowest first. */
  async function offsetOf(outcome: string, nth = 0): Promise<number> {
    const { position } = await system.clickhouse.queryOne<{ position: string }>(
      `SELECT arraySort(bitmapToArray(groupBitmapMergeState(positions)))[{nth:UInt32}] AS position
       FROM log_outcomes WHERE epoch = 1 AND partition = 0 AND outcome = {outcome:String}`,
      { nth: nth + 1, outcome },
    );
    if (position === '0') throw new Error(`partition 0 has no more than ${nth} positions that are ${outcome}`);
    return Number(BigInt(position) - positionOf(1, 0, 0n));
  }

  /** Breaks a table by hand, looks, and puts the table back as it was; meanwhile `kept` has its rows. */
  async function whileBroken<Result>(
    table: string,
    statements: string | readonly string[],
    look: () => Promise<Result>,
  ): Promise<Result> {
    const run = (sql: string): Promise<void> => system.clickhouse.command(sql);
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

  const outcomeRow = (outcome: string, offset: number): string =>
    `INSERT INTO log_outcomes
     SELECT 1, 0, 0, '${outcome}', groupBitmapState(toUInt64(${positionOf(1, 0, BigInt(offset))})), ${positionOf(1, 0, BigInt(offset))}`;

  /** Takes two offsets of partition 0 out of the bitmaps that have them, and into those that do not. */
  function xorOutcomes(where: string, ...offsets: readonly number[]): string[] {
    const positions = offsets.map((offset) => `toUInt64(${positionOf(1, 0, BigInt(offset))})`).join(', ');
    return [
      `ALTER TABLE log_outcomes DELETE ${where} SETTINGS mutations_sync = 2`,
      `INSERT INTO log_outcomes
       SELECT
         epoch, partition, bucket, outcome,
         bitmapXor(groupBitmapMergeState(positions), bitmapBuild([${positions}])), max(kept.last)
       FROM kept ${where} GROUP BY epoch, partition, bucket, outcome`,
    ];
  }

  it('is balanced after duplicates, conflicts, voids in any order and dead letters', async () => {
    const { balanced, lag, partitions, asOf } = await ledger();
    expect({ balanced, lag }).toEqual({ balanced: true, lag: 0 });
    expect(partitions.map(({ topic, epoch, partition }) => [topic, epoch, partition])).toEqual([
      [system.topics.interactions, 1, 0],
      [system.topics.interactions, 1, 1],
      [system.topics.profiles, 2, 0],
      [system.topics.profiles, 2, 1],
    ]);
    const sum = (of: keyof (typeof partitions)[number], epoch: number): number =>
      partitions.filter((row) => row.epoch === epoch).reduce((total, row) => total + Number(row[of]), 0);
    const expected = { counted: 75, duplicate: 25, conflicting: 3, void: 15, suppressed: 5, deadLetter: 4, control: 0 };
    for (const [name, count] of Object.entries(expected))
      expect([name, sum(name as 'counted', 1)]).toEqual([name, count]);
    expect([sum('counted', 2), sum('deadLetter', 2), sum('committed', 2)]).toEqual([5, 1, 6]);
    expect(sum('committed', 1)).toBe(events.length + DEAD - 1);
    expect(sum('end', 1)).toBe(sum('committed', 1));
    expect(asOf.positions[`${system.topics.interactions}/0`]).toBe(partitions[0]?.committed);
  });

  it('is verified from the tables and from Kafka, by the command, which ends with 0', async () => {
    const { exitCode, stdout, stderr } = await command('--verify', '--json');
    const { verified, differences, comparisons } = JSON.parse(stdout) as Verification;
    expect(differences, stderr).toEqual([]);
    expect({ verified, exitCode }).toEqual({ verified: true, exitCode: 0 });
    const compared = Object.fromEntries(comparisons.map((comparison) => [comparison.name, comparison.compared]));
    expect(compared).toMatchObject({
      'interactions: a row for each counted position': 75,
      'event_index: a key for each counted, suppressed and void position': 95,
      'voided_interactions: a row for each void of an earlier event': 10,
      'conflicting_interactions: a row for each conflicting position': 3,
      'conflicting_interactions: other content than the event had before': 3,
      'daily_interactions: what is taken back': 10,
      [`Kafka: outcomes on ${system.topics.interactions}`]: events.length + DEAD - 1,
      [`Kafka: outcomes on ${system.topics.profiles}`]: 6,
      'Kafka: monthly interactions': 14,
      'Kafka: unified people': 2,
    });
  });

  it('shows a table to people and ends with 0', async () => {
    const { exitCode, stdout } = await command();
    expect(stdout).toContain('Balanced: every position has exactly one outcome. Lag 0.');
    expect(stdout).toMatch(/tally\.profiles\.v1 +│ +1 │/);
    expect(exitCode).toBe(0);
  });

  it('names the position whose row was deleted from interactions, and ends with 1', async () => {
    const offset = await offsetOf('counted', 7);
    const statement = `ALTER TABLE interactions DELETE WHERE position = ${positionOf(1, 0, BigInt(offset))} SETTINGS mutations_sync = 2`;
    const { exitCode, stdout } = await whileBroken('interactions', statement, () => command('--verify'));
    expect(stdout).toContain(
      `${system.topics.interactions}/0/${offset}  counted in log_outcomes, but interactions has no row`,
    );
    expect(exitCode).toBe(1);
  });

  it('is not balanced when outcomes are missing, names each position, and ends with 1', async () => {
    const offset = await offsetOf('void');
    const statement = `ALTER TABLE log_outcomes DELETE WHERE epoch = 1 AND partition = 0 AND outcome = 'void' SETTINGS mutations_sync = 2`;
    await whileBroken('log_outcomes', statement, async () => {
      const { balanced, partitions } = await ledger();
      expect({ balanced, partitions: partitions.map((of) => of.balanced) }).toEqual({
        balanced: false,
        partitions: [false, true, true, true],
      });
      const { exitCode, stdout } = await command();
      expect(stdout).toMatch(/NO: \d+ without an outcome/);
      expect(exitCode).toBe(1);
      const { verified: isVerified, differences } = await verified();
      expect(isVerified).toBe(false);
      expect(differences).toContainEqual({
        comparison: `Kafka: outcomes on ${system.topics.interactions}`,
        topic: system.topics.interactions,
        partition: 0,
        offset,
        what: 'recorded nothing, Kafka says void',
      });
    });
  });

  it('is not balanced when a position has two outcomes, and names it', async () => {
    const offset = await offsetOf('duplicate');
    const { balanced, found } = await whileBroken('log_outcomes', outcomeRow('dead-letter', offset), async () => ({
      balanced: (await ledger()).balanced,
      found: await verified(),
    }));
    expect(balanced).toBe(false);
    expect(found.differences.map(({ offset, what }) => ({ offset, what }))).toEqual([
      { offset, what: 'recorded duplicate and dead-letter, Kafka says duplicate' },
    ]);
  });

  it('is not balanced when a position has two outcomes and another none, though the sum is right', async () => {
    const [none, two] = [await offsetOf('duplicate'), await offsetOf('conflicting')];
    const duplicates = `WHERE epoch = 1 AND partition = 0 AND outcome = 'duplicate'`;
    const { balanced, found } = await whileBroken('log_outcomes', xorOutcomes(duplicates, none, two), async () => ({
      balanced: (await ledger()).balanced,
      found: await verified(),
    }));
    expect(balanced).toBe(false);
    const expected = [
      { offset: none, what: 'recorded nothing, Kafka says duplicate' },
      { offset: two, what: 'recorded duplicate and conflicting, Kafka says conflicting' },
    ];
    const named = found.differences.map(({ offset, what }) => ({ offset, what }));
    expect(named).toEqual(expected.sort((a, b) => a.offset - b.offset));
  });

  it('names a wrong outcome though the ledger is balanced', async () => {
    const duplicate = await offsetOf('duplicate');
    const conflicting = await offsetOf('conflicting');
    const both = `WHERE epoch = 1 AND partition = 0 AND outcome IN ('duplicate', 'conflicting')`;
    const swap = xorOutcomes(both, duplicate, conflicting);
    const { balanced, found } = await whileBroken('log_outcomes', swap, async () => ({
      balanced: (await ledger()).balanced,
      found: await verified(),
    }));
    expect(balanced).toBe(true);
    expect(found.verified).toBe(false);
    const expected = [
      { partition: 0, offset: duplicate, what: 'recorded conflicting, Kafka says duplicate' },
      { partition: 0, offset: conflicting, what: 'recorded duplicate, Kafka says conflicting' },
      {
        partition: 0,
        offset: duplicate,
        what: 'conflicting in log_outcomes, but conflicting_interactions has no row',
      },
      {
        partition: 0,
        offset: conflicting,
        what: 'conflicting_interactions has a row, but log_outcomes does not say conflicting',
      },
    ];
    const named = found.differences.map(({ partition, offset, what }) => ({ partition, offset, what }));
    expect(named).toHaveLength(expected.length);
    expect(named).toEqual(expect.arrayContaining(expected));
  });

  describe.each([
    {
      what: 'an event that is counted twice',
      table: 'interactions',
      statement: 'INSERT INTO interactions SELECT * REPLACE(position + 1 AS position) FROM interactions LIMIT 1',
      found: 'interactions has the same event at an earlier position: counted twice',
    },
    {
      what: 'an event moved to another day',
      table: 'interactions',
      statement: `INSERT INTO interactions SELECT * REPLACE(addDays(day, 1) AS day) FROM interactions LIMIT 1`,
      found: 'interactions has two different rows for the position',
    },
    {
      what: 'a key missing from the index',
      table: 'event_index',
      statement: `ALTER TABLE event_index DELETE WHERE kind = 'suppressed' SETTINGS mutations_sync = 2`,
      found: 'counted, suppressed or void in log_outcomes, but event_index has no key',
    },
    {
      what: 'a void missing from the voided',
      table: 'voided_interactions',
      statement: `ALTER TABLE voided_interactions DELETE WHERE 1 SETTINGS mutations_sync = 2`,
      found: 'a void of an event counted earlier, but voided_interactions has no row',
    },
    {
      what: 'a conflict whose row was deleted',
      table: 'conflicting_interactions',
      statement: `ALTER TABLE conflicting_interactions DELETE
        WHERE position = (SELECT min(position) FROM conflicting_interactions) SETTINGS mutations_sync = 2`,
      found: 'conflicting in log_outcomes, but conflicting_interactions has no row',
    },
    {
      what: 'a conflict of another event',
      table: 'conflicting_interactions',
      statement: `ALTER TABLE conflicting_interactions UPDATE event_key = event_key + 1 WHERE 1 SETTINGS mutations_sync = 2`,
      found: 'conflicting_interactions has what no earlier event differs from',
    },
    {
      what: 'a day counted under another channel',
      table: 'daily_interactions',
      statement: `ALTER TABLE daily_interactions UPDATE counted = bitmapBuild(emptyArrayUInt64()) WHERE channel = 'sms' SETTINGS mutations_sync = 2`,
      found: 'interactions has a row, but no bitmap of daily_interactions has it',
      figure: /^interactions of ledger-\S+ in 2025-\d\d: total \d+, Kafka says \d+/,
    },
    {
      what: 'a day taken back twice over',
      table: 'daily_interactions',
      statement: `INSERT INTO daily_interactions
        SELECT tenant_id, day, environment_id, channel, direction, groupBitmapStateIf(position, 0), groupBitmapState(position)
        FROM interactions WHERE position NOT IN (SELECT position FROM voided_interactions)
        GROUP BY tenant_id, day, environment_id, channel, direction LIMIT 1`,
      found: 'taken back in daily_interactions, but not by voided_interactions',
      figure: /^interactions of /,
    },
    {
      what: 'a bit too many',
      table: 'entity_months',
      statement: `INSERT INTO entity_months SELECT * REPLACE(toDate('2024-12-01') AS month, 1 AS days)
        FROM (SELECT * FROM entity_months WHERE month = '2025-08-01' LIMIT 1)`,
      found: /: a bit for 2024-12-01, but interactions has no row$/,
      figure: /^engaged people of ledger-\S+ on 2025-01-31: total \d+, Kafka says \d+/,
    },
    {
      what: 'a bit missing',
      table: 'entity_months',
      statement: `ALTER TABLE entity_months DELETE WHERE channel = 'sms' SETTINGS mutations_sync = 2`,
      found: /: interactions has a row on [\d, -]+, but there is no bit$/,
    },
    {
      what: 'a record that was never deleted',
      table: 'profile_records',
      statement: `ALTER TABLE profile_records UPDATE deleted = 0 WHERE deleted = 1 SETTINGS mutations_sync = 2`,
      found: /^unified people of ledger-\S+ in prod: people 3, Kafka says 2; records 4, Kafka says 3/,
    },
    {
      what: 'a change of a record missing',
      table: 'profile_changes',
      statement: `ALTER TABLE profile_changes DELETE WHERE deleted = 1 SETTINGS mutations_sync = 2`,
      found: 'profile_records has a row, but profile_changes has none',
    },
    {
      what: 'a change to other identifiers',
      table: 'profile_changes',
      statement: `ALTER TABLE profile_changes UPDATE identifier_keys = [1] WHERE 1 SETTINGS mutations_sync = 2`,
      found: 'profile_changes says something else than profile_records',
    },
  ])('with $what in $table', ({ table, statement, found, figure }) => {
    it('is not verified, and says where', async () => {
      const { verified: isVerified, differences } = await whileBroken(table, statement, verified);
      const words = differences.map(({ what }) => what);
      expect(isVerified).toBe(false);
      expect(words).toContainEqual(typeof found === 'string' ? found : expect.stringMatching(found));
      if (figure) expect(words).toContainEqual(expect.stringMatching(figure));
    });
  });

  it('leaves out what is in flight', async () => {
    const end = (await ledger()).partitions[0]?.committed ?? 0;
    await whileBroken('log_outcomes', outcomeRow('counted', end + 3), async () => {
      expect((await ledger()).balanced).toBe(true);
      expect((await verified()).differences).toEqual([]);
    });
  });

  it('is verified while events flow, the figures as soon as they rest', async () => {
    const consumer = await system.consumer();
    const until = Date.now() + FLOW_MS;
    let sent = 0;
    const flow = (async () => {
      for (; Date.now() < until; sent += 50) {
        await send(Array.from({ length: 50 }, (_, index) => interactionOf(tenantId, 1_000 + ((sent + index) % 4_000))));
      }
    })();
    const { verified: isVerified, differences, comparisons, ledger: upTo } = await verified();
    await flow;
    await system.caughtUp();
    await consumer.stop();
    expect(differences).toEqual([]);
    expect(isVerified).toBe(true);
    expect(comparisons.map(({ name }) => name)).toContain('Kafka: monthly interactions');
    const recounted = upTo.partitions.reduce((sum, { committed }) => sum + committed, 0);
    expect(recounted).toBe(events.length + DEAD + profiles.length + sent);
  });

  it('cannot recount what expired, says how much that is, and verifies the rest', async () => {
    const { interactions } = system.topics;
    await system.admin.deleteRecordsBefore(interactions, 0, 30n);
    const { verified: isVerified, differences, comparisons } = await verified();
    expect(differences).toEqual([]);
    expect(isVerified).toBe(true);
    const notes = comparisons.flatMap(({ note }) => (note === undefined ? [] : [note]));
    expect(notes).toEqual([
      expect.stringMatching(/^30 position\(s\) are gone from Kafka and cannot be recounted/),
      'records are gone from Kafka that the figures hold',
    ]);
  });

  it('lists an epoch that is over with what was recorded of it', async () => {
    const before = (await ledger()).partitions.filter(({ epoch }) => epoch === 1);
    await openLog({ ...system, topic: system.topics.interactions }, { by: 'test', because: 'it', afresh: false });
    await send([
      ...first.slice(0, 10),
      ...Array.from({ length: 10 }, (_, index) => interactionOf(tenantId, 9_000 + index)),
    ]);
    const consumer = await system.consumer();
    await system.caughtUp();
    await consumer.stop();

    const { balanced, partitions } = await ledger();
    expect(balanced).toBe(true);
    expect(partitions.filter(({ closed }) => closed)).toEqual(before.map((of) => ({ ...of, closed: true })));
    const open = partitions.filter(({ epoch }) => epoch === 3);
    expect(open.map(({ start }) => start)).toEqual(before.map(({ committed }) => committed));
    expect(open.reduce((sum, { counted }) => sum + counted, 0)).toBe(10);
    expect(open.reduce((sum, { duplicate }) => sum + duplicate, 0)).toBe(10);
    const { verified: isVerified, differences } = await verified();
    expect(differences).toEqual([]);
    expect(isVerified).toBe(true);
  });

  it('is a 503 problem when Kafka is away', async () => {
    const { url } = await system.service('api/main.ts', { TALLY_KAFKA: '127.0.0.1:1' });
    const response = await fetch(`${url}/v1/ledger`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code: 'kafka-unavailable', detail: expect.stringMatching(/Kafka/) });
  });
});
