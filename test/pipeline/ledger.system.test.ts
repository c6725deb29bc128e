/**
 * The ledger: every position has exactly one outcome, while events flow, after they expired, and over epochs.
 */
import type { Verification } from '@tally/audit';
import { openLog } from '@tally/consumer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { interactionOf } from '../support/history.ts';
import { DEAD, LEDGER_HISTORY, LEDGER_TENANT, LedgerStage, outcomeRow } from '../support/ledger-stage.ts';
import { ADMIN_KEY } from '../support/system.ts';

const FLOW_MS = 4_000;
const { first, events, profiles } = LEDGER_HISTORY;

describe('the ledger', () => {
  let stage: LedgerStage;

  beforeAll(async () => {
    stage = await LedgerStage.open('ledger');
  });

  afterAll(() => stage.close());

  it('is balanced after duplicates, conflicts, voids in any order and dead letters', async () => {
    const { balanced, lag, partitions, asOf } = await stage.ledger();
    expect({ balanced, lag }).toEqual({ balanced: true, lag: 0 });
    expect(partitions.map(({ topic, epoch, partition }) => [topic, epoch, partition])).toEqual([
      [stage.system.topics.interactions, 1, 0],
      [stage.system.topics.interactions, 1, 1],
      [stage.system.topics.profiles, 2, 0],
      [stage.system.topics.profiles, 2, 1],
    ]);
    const sum = (of: keyof (typeof partitions)[number], epoch: number): number =>
      partitions.filter((row) => row.epoch === epoch).reduce((total, row) => total + Number(row[of]), 0);
    const expected = { counted: 75, duplicate: 25, conflicting: 3, void: 15, suppressed: 5, deadLetter: 4, control: 0 };
    for (const [name, count] of Object.entries(expected))
      expect([name, sum(name as 'counted', 1)]).toEqual([name, count]);
    expect([sum('counted', 2), sum('deadLetter', 2), sum('committed', 2)]).toEqual([5, 1, 6]);
    expect(sum('committed', 1)).toBe(events.length + DEAD - 1);
    expect(sum('end', 1)).toBe(sum('committed', 1));
    expect(asOf.positions[`${stage.system.topics.interactions}/0`]).toBe(partitions[0]?.committed);
  });

  it('is verified from the tables and from Kafka, by the command, which ends with 0', async () => {
    const { exitCode, stdout, stderr } = await stage.command('--verify', '--json');
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
      [`Kafka: outcomes on ${stage.system.topics.interactions}`]: events.length + DEAD - 1,
      [`Kafka: outcomes on ${stage.system.topics.profiles}`]: 6,
      'Kafka: monthly interactions': 14,
      'Kafka: unified people': 2,
    });
  });

  it('shows a table to people and ends with 0', async () => {
    const { exitCode, stdout } = await stage.command();
    expect(stdout).toContain('Balanced: every position has exactly one outcome. Lag 0.');
    expect(stdout).toMatch(/tally\.profiles\.v1 +│ +1 │/);
    expect(exitCode).toBe(0);
  });

  it('leaves out what is in flight', async () => {
    const end = (await stage.ledger()).partitions[0]?.committed ?? 0;
    await stage.whileBroken('log_outcomes', outcomeRow('counted', end + 3), async () => {
      expect((await stage.ledger()).balanced).toBe(true);
      expect((await stage.verified()).differences).toEqual([]);
    });
  });

  it('is verified while events flow, the figures as soon as they rest', async () => {
    const consumer = await stage.system.consumer();
    const until = Date.now() + FLOW_MS;
    let sent = 0;
    const flow = (async () => {
      for (; Date.now() < until; sent += 50) {
        await stage.send(
          Array.from({ length: 50 }, (_, index) => interactionOf(LEDGER_TENANT, 1_000 + ((sent + index) % 4_000))),
        );
      }
    })();
    const { verified: isVerified, differences, comparisons, ledger: upTo } = await stage.verified();
    await flow;
    await stage.system.caughtUp();
    await consumer.stop();
    expect(differences).toEqual([]);
    expect(isVerified).toBe(true);
    expect(comparisons.map(({ name }) => name)).toContain('Kafka: monthly interactions');
    const recounted = upTo.partitions.reduce((sum, { committed }) => sum + committed, 0);
    expect(recounted).toBe(events.length + DEAD + profiles.length + sent);
  });

  it('cannot recount what expired, says how much that is, and verifies the rest', async () => {
    const { interactions } = stage.system.topics;
    await stage.system.admin.deleteRecordsBefore(interactions, 0, 30n);
    const { verified: isVerified, differences, comparisons } = await stage.verified();
    expect(differences).toEqual([]);
    expect(isVerified).toBe(true);
    const notes = comparisons.flatMap(({ note }) => (note === undefined ? [] : [note]));
    expect(notes).toEqual([
      expect.stringMatching(/^30 position\(s\) are gone from Kafka and cannot be recounted/),
      'records are gone from Kafka that the figures hold',
    ]);
  });

  it('lists an epoch that is over with what was recorded of it', async () => {
    const before = (await stage.ledger()).partitions.filter(({ epoch }) => epoch === 1);
    await openLog(
      { ...stage.system, topic: stage.system.topics.interactions },
      { by: 'test', because: 'it', afresh: false },
    );
    await stage.send([
      ...first.slice(0, 10),
      ...Array.from({ length: 10 }, (_, index) => interactionOf(LEDGER_TENANT, 9_000 + index)),
    ]);
    const consumer = await stage.system.consumer();
    await stage.system.caughtUp();
    await consumer.stop();

    const { balanced, partitions } = await stage.ledger();
    expect(balanced).toBe(true);
    expect(partitions.filter(({ closed }) => closed)).toEqual(before.map((of) => ({ ...of, closed: true })));
    const open = partitions.filter(({ epoch }) => epoch === 3);
    expect(open.map(({ start }) => start)).toEqual(before.map(({ committed }) => committed));
    expect(open.reduce((sum, { counted }) => sum + counted, 0)).toBe(10);
    expect(open.reduce((sum, { duplicate }) => sum + duplicate, 0)).toBe(10);
    const { verified: isVerified, differences } = await stage.verified();
    expect(differences).toEqual([]);
    expect(isVerified).toBe(true);
  });

  it('is a 503 problem when Kafka is away', async () => {
    const { url } = await stage.system.service('api/main.ts', { TALLY_KAFKA: '127.0.0.1:1' });
    const response = await fetch(`${url}/v1/ledger`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code: 'kafka-unavailable', detail: expect.stringMatching(/Kafka/) });
  });
});
