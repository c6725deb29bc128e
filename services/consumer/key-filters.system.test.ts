/**
 * Filters in front of the real index: what they say of keys, and that outcomes are the same with them and without.
 */
import { type IncomingBatch, partitionOf } from '@tally/platform/kafka';
import { createLog } from '@tally/platform/log';
import { recordKey } from '@tally/schemas';
import fc from 'fast-check';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fewestPartitions, freshTenant, TestSystem } from '../../test/support/system.ts';
import { eventKeyOf } from './hash.ts';
import { IdentifierHasher } from './identifiers.ts';
import { Ingest } from './ingest.ts';
import { KeyFilters } from './key-filters.ts';
import { currentLog, type MeteredLog } from './logs.ts';
import { createMetrics } from './metrics.ts';
import { batchOf, incoming, interaction } from './test-events.ts';

const PARTITION = 0;
const BYTES_MAX = 1024 ** 3;

let system: TestSystem;
let log: MeteredLog;
let tenantId: string;
let end = 0;

beforeAll(async () => {
  system = await TestSystem.create('filters', { partitions: fewestPartitions() });
  log = await currentLog(system.clickhouse, system.topics.interactions);
});

afterAll(() => system.close());

beforeEach(() => {
  tenantId = tenantThere();
});

/** A consumer's steps without its group: what is committed, the tests say. */
class Member {
  readonly filters: KeyFilters | undefined;
  readonly #ingest: Ingest;
  committed = end;
  keysAsked = async (): Promise<number> => 0;

  constructor(filterBytesMax: number) {
    const { clickhouse, topics } = system;
    const metrics = createMetrics(new Registry());
    const quiet = createLog('test', 'silent');
    const filters = new KeyFilters({ clickhouse, metered: log, log: quiet, metrics, bytesMax: filterBytesMax });
    this.filters = filters;
    this.keysAsked = async () => (await metrics.keysAsked.get()).values[0]?.value ?? 0;
    this.#ingest = new Ingest({
      clickhouse,
      topics,
      sender: { send: async () => undefined },
      logs: { interactions: log, profiles: log },
      hasher: new IdentifierHasher('secret'.repeat(8)),
      filters,
      metrics,
      log: quiet,
      committed: async () => BigInt(this.committed),
      extent: async () => ({ start: 0n, end: BigInt(end) }),
      commit: async () => undefined,
      partitionsNow: async () => log.partitions,
      schemas: { find: () => undefined, refresh: async () => undefined },
      stopping: new AbortController().signal,
    });
  }

  assigned(committed: number): void {
    this.committed = committed;
    this.#ingest.reassigned();
    this.filters?.assigned([PARTITION]);
  }

  async write(batch: IncomingBatch): Promise<void> {
    const group = this.#ingest.open();
    await this.#ingest.read(batch, group);
    await this.#ingest.write(group);
  }
}

/** A tenant whose events are of the partition. */
function tenantThere(): string {
  for (;;) {
    const tenant = freshTenant('filters');
    const key = Buffer.from(recordKey(interaction({ tenantId: tenant })));
    if (partitionOf(key, log.partitions) === PARTITION) return tenant;
  }
}

/** The next records of the log: an event of the tenant for each id. */
function records(ids: readonly number[]): IncomingBatch {
  const from = end;
  end += ids.length;
  return batchOf([], {
    topic: system.topics.interactions,
    partition: PARTITION,
    fetchedFrom: from,
    lastOffset: end - 1,
    end,
    records: ids.map((id, index) => incoming(interaction({ tenantId, eventId: `e${id}` }), { offset: from + index })),
  });
}

async function counted(): Promise<number> {
  const { rows } = await system.clickhouse.queryOne<{ rows: string }>(
    'SELECT uniqExact(position) AS rows FROM interactions WHERE tenant_id = {tenantId:String}',
    { tenantId },
  );
  return Number(rows);
}

describe('a filter', () => {
  it('knows what was counted before it was built, and asks no more about what is new then', async () => {
    await new Member(0).write(records([1, 2, 3]));
    const member = new Member(BYTES_MAX);
    member.assigned(end);
    await member.write(records([3, 4]));
    await member.filters?.built();
    const before = await member.keysAsked();
    await member.write(records([1, 4, 5, 6, 5]));
    expect((await member.keysAsked()) - before).toBe(3);
    expect(await counted()).toBe(6);
  });

  it('says nothing while it is being built', async () => {
    const member = new Member(BYTES_MAX);
    member.assigned(end);
    await member.write(records([1, 2]));
    expect(await member.keysAsked()).toBe(2);
  });

  it('is built anew when others have read on', async () => {
    const member = new Member(BYTES_MAX);
    member.assigned(end);
    await member.write(records([1]));
    await member.filters?.built();
    await new Member(0).write(records([2, 3]));
    member.assigned(end);
    await member.write(records([2, 4]));
    await member.filters?.built();
    await member.write(records([3, 4, 5]));
    expect(await counted()).toBe(5);
  });

  it('is not there where it would take too much, and the index answers', async () => {
    const member = new Member(1_000);
    member.assigned(end);
    for (let round = 0; round < 3; round++) {
      await member.write(records([round, round + 1]));
      await member.filters?.built();
    }
    expect(await member.keysAsked()).toBe(6);
    expect(await counted()).toBe(4);
  });

  it('holds the keys of a log with another number of partitions for each partition', async () => {
    await new Member(0).write(records([1]));
    const wider: MeteredLog = { ...log, partitions: 3 };
    const metrics = createMetrics(new Registry());
    const quiet = createLog('test', 'silent');
    const { clickhouse } = system;
    const filters = new KeyFilters({ clickhouse, metered: wider, log: quiet, metrics, bytesMax: BYTES_MAX });
    filters.assigned([0, 2]);
    for (const partition of [0, 2]) filters.reading(partition, false, () => []);
    await filters.built();
    const known = eventKeyOf(interaction({ tenantId, eventId: 'e1' }).value).readUInt32LE(0);
    const unknown = eventKeyOf(interaction({ tenantId, eventId: 'e2' }).value).readUInt32LE(0);
    expect([0, 2].map((partition) => filters.add(partition, known))).toEqual([false, false]);
    expect([0, 2].map((partition) => filters.add(partition, unknown))).toEqual([true, true]);
  });
});

it('outcomes are the same with filters and without, whoever reads what', async () => {
  const ids = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 6 });
  const step = fc.record({ ids, member: fc.nat(1), wait: fc.boolean(), again: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 8 }), async (steps) => {
      tenantId = tenantThere();
      const from = end;
      const members = [new Member(BYTES_MAX), new Member(BYTES_MAX)];
      let reader = -1;
      const seen = new Set<number>();
      for (const { ids: some, member, wait, again } of steps) {
        const mine = members[member];
        if (!mine) throw new Error('there are two');
        if (member !== reader) mine.assigned(end);
        reader = member;
        const batch = records(some);
        await mine.write(batch);
        if (again) await mine.write(batch);
        if (wait) await mine.filters?.built();
        for (const id of some) seen.add(id);
      }
      expect(await counted()).toBe(seen.size);
      const { rows } = await system.clickhouse.queryOne<{ rows: string }>(
        `SELECT sum(bitmapCardinality(of)) AS rows
         FROM (SELECT groupBitmapMergeState(positions) AS of FROM log_outcomes GROUP BY outcome)`,
      );
      expect(Number(rows)).toBe(end);
      expect(end).toBeGreaterThan(from);
      for (const { filters } of members) await filters?.close();
    }),
    { numRuns: 12 },
  );
});
