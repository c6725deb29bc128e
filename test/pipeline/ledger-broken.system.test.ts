/**
 * Tables that were changed by hand: the ledger is not balanced, or `--verify` finds and names what is not as it must be.
 */
import { positionOf } from '@tally/consumer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LedgerStage, outcomeRow } from '../support/ledger-stage.ts';
import { someOf } from '../support/some-of.ts';

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

interface Broken {
  what: string;
  table: string;
  statement: string;
  /** A difference that is told: its words. */
  found: string | RegExp;
  /** A figure that differs. */
  figure?: RegExp;
}

const BROKEN: readonly Broken[] = [
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
];

describe('a ledger of broken tables', () => {
  let stage: LedgerStage;

  beforeAll(async () => {
    stage = await LedgerStage.open('ledger_broken');
  });

  afterAll(() => stage.close());

  it('names the position whose row was deleted from interactions, and ends with 1', async () => {
    const offset = await stage.offsetOf('counted', 7);
    const statement = `ALTER TABLE interactions DELETE WHERE position = ${positionOf(1, 0, BigInt(offset))} SETTINGS mutations_sync = 2`;
    const { exitCode, stdout } = await stage.whileBroken('interactions', statement, () => stage.command('--verify'));
    expect(stdout).toContain(
      `${stage.system.topics.interactions}/0/${offset}  counted in log_outcomes, but interactions has no row`,
    );
    expect(exitCode).toBe(1);
  });

  it('is not balanced when outcomes are missing, names each position, and ends with 1', async () => {
    const offset = await stage.offsetOf('void');
    const statement = `ALTER TABLE log_outcomes DELETE WHERE epoch = 1 AND partition = 0 AND outcome = 'void' SETTINGS mutations_sync = 2`;
    await stage.whileBroken('log_outcomes', statement, async () => {
      const { balanced, partitions } = await stage.ledger();
      expect({ balanced, partitions: partitions.map((of) => of.balanced) }).toEqual({
        balanced: false,
        partitions: [false, true, true, true],
      });
      const { exitCode, stdout } = await stage.command();
      expect(stdout).toMatch(/NO: \d+ without an outcome/);
      expect(exitCode).toBe(1);
      const { verified: isVerified, differences } = await stage.verified();
      expect(isVerified).toBe(false);
      expect(differences).toContainEqual({
        comparison: `Kafka: outcomes on ${stage.system.topics.interactions}`,
        topic: stage.system.topics.interactions,
        partition: 0,
        offset,
        what: 'recorded nothing, Kafka says void',
      });
    });
  });

  it('is not balanced when a position has two outcomes, and names it', async () => {
    const offset = await stage.offsetOf('duplicate');
    const { balanced, found } = await stage.whileBroken(
      'log_outcomes',
      outcomeRow('dead-letter', offset),
      async () => ({
        balanced: (await stage.ledger()).balanced,
        found: await stage.verified(),
      }),
    );
    expect(balanced).toBe(false);
    expect(found.differences.map(({ offset, what }) => ({ offset, what }))).toEqual([
      { offset, what: 'recorded duplicate and dead-letter, Kafka says duplicate' },
    ]);
  });

  it('is not balanced when a position has two outcomes and another none, though the sum is right', async () => {
    const [none, two] = [await stage.offsetOf('duplicate'), await stage.offsetOf('conflicting')];
    const duplicates = `WHERE epoch = 1 AND partition = 0 AND outcome = 'duplicate'`;
    const { balanced, found } = await stage.whileBroken(
      'log_outcomes',
      xorOutcomes(duplicates, none, two),
      async () => ({
        balanced: (await stage.ledger()).balanced,
        found: await stage.verified(),
      }),
    );
    expect(balanced).toBe(false);
    const expected = [
      { offset: none, what: 'recorded nothing, Kafka says duplicate' },
      { offset: two, what: 'recorded duplicate and conflicting, Kafka says conflicting' },
    ];
    const named = found.differences.map(({ offset, what }) => ({ offset, what }));
    expect(named).toEqual(expected.sort((a, b) => a.offset - b.offset));
  });

  it('names a wrong outcome though the ledger is balanced', async () => {
    const duplicate = await stage.offsetOf('duplicate');
    const conflicting = await stage.offsetOf('conflicting');
    const both = `WHERE epoch = 1 AND partition = 0 AND outcome IN ('duplicate', 'conflicting')`;
    const swap = xorOutcomes(both, duplicate, conflicting);
    const { balanced, found } = await stage.whileBroken('log_outcomes', swap, async () => ({
      balanced: (await stage.ledger()).balanced,
      found: await stage.verified(),
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

  describe.each(someOf(BROKEN, 4))('with $what in $table', ({ table, statement, found, figure }) => {
    it('is not verified, and says where', async () => {
      const { verified: isVerified, differences } = await stage.whileBroken(table, statement, () => stage.verified());
      const words = differences.map(({ what }) => what);
      expect(isVerified).toBe(false);
      expect(words).toContainEqual(typeof found === 'string' ? found : expect.stringMatching(found));
      if (figure) expect(words).toContainEqual(expect.stringMatching(figure));
    });
  });
});
