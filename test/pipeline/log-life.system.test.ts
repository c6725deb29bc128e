/**
 * What can happen to a log, at start and while it is read: the consumer stops, says what happened and what resolves it,
 * and after that decision the figures are right. Nothing is skipped silently.
 */
import { IdentifierHasher, openLog, replay, rewindLog } from '@tally/consumer';
import { createLog } from '@tally/platform/log';
import { METERED_TOPIC_SETTINGS } from '@tally/schemas';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually, freshTenant, TestSystem } from '../support/system.ts';

const PARTITIONS = 2;
const WATCH_CLOSELY = { TALLY_LOG_CHECK_INTERVAL_MS: '300' };

describe('a log', () => {
  let system: TestSystem;
  let tenantId: string;
  let topic: string;

  beforeEach(async () => {
    system = await TestSystem.create('log_life', { partitions: PARTITIONS });
    tenantId = freshTenant('log-life');
    topic = system.topics.interactions;
  });

  afterEach(() => system.close());

  /** Sends events `from` to `to - 1`, each of an entity of its own. */
  async function send(from: number, to: number): Promise<void> {
    const producer = system.producer();
    const sent = [];
    for (let index = from; index < to; index++) {
      sent.push(
        producer.email({
          eventId: `e${index}`,
          tenantId,
          environmentId: 'prod',
          entityType: 'contact',
          entityId: `c${index}`,
          occurredAt: Date.UTC(2026, 2, 1),
        }),
      );
    }
    await Promise.all(sent);
  }

  async function interactions(): Promise<number> {
    const ask = await system.api();
    const { body } = await ask(`/v1/tenants/${tenantId}/interactions?from=2026-03&to=2026-03`);
    return (body as { months: [{ total: number }] }).months[0].total;
  }

  async function countAll(): Promise<void> {
    const consumer = await system.consumer();
    await system.caughtUp();
    await consumer.stop();
  }

  async function recreate(): Promise<void> {
    await system.admin.deleteTopics([topic]);
    await eventually(async () => {
      const specification = { topic, partitions: PARTITIONS, replicationFactor: 1, settings: METERED_TOPIC_SETTINGS };
      expect(await system.admin.createTopics([specification])).toEqual([topic]);
    });
  }

  /** What ClickHouse leaves when one view of an insert is written and the next is refused. */
  async function cutOffInsert(): Promise<void> {
    for (const { partition, end } of await system.admin.extents(topic)) {
      await system.clickhouse.shardOf(partition).command(
        `INSERT INTO log_outcomes
         WITH bitOr(bitOr(bitShiftLeft(toUInt64(1), 56), bitShiftLeft(toUInt64({partition:UInt16}), 40)), {last:UInt64}) AS position
         SELECT 1, {partition:UInt16}, 0, 'counted', groupBitmapState(position), max(position) FROM numbers(1)`,
        { partition, last: (end - 1n).toString() },
      );
    }
  }

  const decision = { by: 'test', because: 'it happened', afresh: false };
  const refused = (code: string) => expect(system.consumer()).rejects.toMatchObject({ code, retriable: false });
  const open = (afresh = false) => openLog({ ...system, topic }, { ...decision, afresh });

  it('that was recreated is refused, and counts as a new one when somebody says so', async () => {
    await send(0, 20);
    await countAll();
    await recreate();
    await send(18, 22); // two known, two new
    await refused('LOG_RECREATED');
    await open();
    await countAll();
    expect(await interactions()).toBe(22);
    expect(await system.outcomes()).toEqual({ counted: 22, duplicate: 2 });
  });

  it('that was recreated and has grown past the old offsets is refused by what stands there', async () => {
    await send(0, 6);
    await countAll();
    await recreate();
    await send(100, 150);
    await refused('LOG_REPLACED');
    await open(true);
    await countAll();
    expect(await interactions()).toBe(56);
  });

  it('whose last insert was cut off between two tables is the same log, and its records count', async () => {
    await send(0, 20);
    await countAll();
    await send(20, 40);
    await cutOffInsert();
    await countAll();
    expect(await interactions()).toBe(40);
    expect(await system.outcomes()).toEqual({ counted: 40 });
  });

  it('that goes on as a new one after such an insert is whole when it was replayed', async () => {
    await send(0, 20);
    await countAll();
    await send(20, 40);
    await cutOffInsert();
    expect(await open()).toMatchObject({ cutOff: true });
    await countAll();
    expect(await interactions()).toBe(20);
    await replay(
      {
        ...system,
        source: system.clickhouse,
        target: system.clickhouse,
        hasher: new IdentifierHasher('test-identifier-secret'),
        log: createLog('test', 'silent'),
      },
      { complete: false },
    );
    expect(await interactions()).toBe(40);
    expect(await system.outcomes()).toEqual({ counted: 40 });
  });

  it('that was recreated after such an insert is refused all the same', async () => {
    await send(0, 20);
    await countAll();
    await recreate();
    await send(100, 150);
    await cutOffInsert();
    await refused('LOG_REPLACED');
  });

  it('that is recreated while it is read stops the consumer', async () => {
    await send(0, 20);
    await system.consumer(WATCH_CLOSELY);
    await system.caughtUp();
    await recreate();
    await eventually(async () => expect(system.fatal).toContainEqual(expect.objectContaining({ retriable: false })));
  });

  it('whose records expired unread is refused, and what is missing is told', async () => {
    await send(0, 20);
    await countAll();
    await send(20, 60);
    const [{ end } = { end: 0n }] = await system.admin.extents(topic);
    await system.admin.deleteRecordsBefore(topic, 0, end - 5n);
    await refused('LOG_EXPIRED');
    const { partitions } = await open();
    const expired = Number(partitions[0]?.expired);
    expect(expired).toBeGreaterThan(0);
    await countAll();
    expect(await interactions()).toBe(60 - expired);
  });

  it('that gets more partitions while it is read stops the consumer before it refuses a record', async () => {
    await send(0, 40);
    const consumer = await system.consumer(WATCH_CLOSELY);
    await system.caughtUp();
    await system.admin.setPartitionCount(topic, 3 * PARTITIONS);
    // A producer that asks before the brokers know of them would place every record as before.
    await eventually(async () => expect(await system.admin.extents(topic)).toHaveLength(3 * PARTITIONS));
    await send(0, 80); // every known one again, most of them elsewhere
    const changed = expect.objectContaining({ code: 'LOG_PARTITIONS_CHANGED' });
    await eventually(async () => expect(system.fatal).toContainEqual(changed));
    await consumer.stop();
    expect(await system.deadLetters()).toEqual([]);
    await refused('LOG_PARTITIONS_CHANGED');
    await open();
    await countAll();
    expect(await interactions()).toBe(80);
    expect(await system.outcomes()).toEqual({ counted: 80, duplicate: 40 });
  });

  it('whose offsets were moved ahead by hand is refused, and counts whole after a rewind', async () => {
    await send(0, 30);
    await countAll();
    await send(30, 60);
    const ends = new Map((await system.admin.extents(topic)).map(({ partition, end }) => [partition, end]));
    await system.admin.setCommitted(system.groupId, topic, ends);
    await refused('OFFSETS_SKIPPED');
    await rewindLog({ ...system, topic });
    await countAll();
    expect(await interactions()).toBe(60);
  });

  it('whose offsets were moved back by hand is counted again without any figure moving', async () => {
    await send(0, 30);
    await countAll();
    const before = await system.outcomes();
    await system.admin.setCommitted(
      system.groupId,
      topic,
      new Map([
        [0, 0n],
        [1, 0n],
      ]),
    );
    await countAll();
    expect(await interactions()).toBe(30);
    expect(await system.outcomes()).toEqual(before);
  });

  it('of another cluster is refused', async () => {
    await system.clickhouse.command(
      "ALTER TABLE logs UPDATE cluster_id = 'another' WHERE 1 SETTINGS mutations_sync = 2",
    );
    await refused('LOG_OTHER_CLUSTER');
  });

  it('is not given a new epoch while a consumer is at work', async () => {
    await system.consumer();
    await expect(open()).rejects.toMatchObject({ code: 'GROUP_ACTIVE' });
  });
});

describe('the consumer', () => {
  let system: TestSystem;

  beforeEach(async () => {
    system = await TestSystem.create('settings');
  });

  afterEach(() => system.close());

  it.each(['fsync_after_insert', 'fsync_part_directory'])('refuses a server whose table has no %s', async (setting) => {
    const last = system.clickhouse.shards.at(-1);
    await last?.command(`ALTER TABLE event_index MODIFY SETTING ${setting} = 0`);
    const rejection = {
      code: 'DURABILITY_SETTINGS',
      message: expect.stringContaining(`event_index does not have ${setting}`),
    };
    await expect(system.consumer()).rejects.toMatchObject(rejection);
  });
});
