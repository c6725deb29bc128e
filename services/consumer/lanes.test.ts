import type { IncomingBatch } from '@tally/platform/kafka';
import { describe, expect, it } from 'vitest';
import { Lanes } from './lanes.ts';
import { batchOf } from './test-events.ts';

interface Group {
  partitions: number[];
  written: Promise<void>;
  write: () => void;
  fail: (error: unknown) => void;
}

/** Lanes whose writing waits until the test lets it go on; what was done is in `steps`. */
function lanesOf({
  lanes = 1,
  shards = 1,
  recordsMax = 10,
  waitingRecordsMax = 20,
  read = async () => {},
}: Options = {}): {
  lanes: Lanes<Group>;
  groups: Group[];
  steps: string[];
} {
  const groups: Group[] = [];
  const steps: string[] = [];
  const run = new Lanes<Group>({
    lanes,
    shards,
    recordsMax,
    waitingRecordsMax,
    open: () => {
      const { promise: written, resolve: write, reject: fail } = Promise.withResolvers<void>();
      const group = { partitions: [], written, write, fail };
      groups.push(group);
      return group;
    },
    read: async (batch, into) => {
      await read(batch);
      into.partitions.push(batch.partition);
      steps.push(`read ${batch.partition}`);
    },
    write: async (group) => {
      steps.push(`write ${group.partitions}`);
      await group.written;
      steps.push(`written ${group.partitions}`);
    },
  });
  return { lanes: run, groups, steps };
}

interface Options {
  lanes?: number;
  shards?: number;
  recordsMax?: number;
  waitingRecordsMax?: number;
  /** Awaited before a batch is read. */
  read?: (batch: IncomingBatch) => Promise<void>;
}

function batch(partition: number, records = 1): IncomingBatch {
  return batchOf(
    Array.from({ length: records }, (_, offset) => offset),
    { partition },
  );
}

/** How each take ended. */
function watch(taken: Promise<void>[]): string[] {
  const states = taken.map(() => 'waits');
  for (const [index, one] of taken.entries()) {
    one.then(
      () => {
        states[index] = 'taken';
      },
      (error: unknown) => {
        states[index] = String(error);
      },
    );
  }
  return states;
}

/** Lets everything run that can. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await new Promise(setImmediate);
}

describe('Lanes', () => {
  it('put batches that arrive in one turn into one group, in their order, up to its limit', async () => {
    const { lanes, steps } = lanesOf({ recordsMax: 5 });
    watch([lanes.take(batch(1, 2)), lanes.take(batch(2, 3)), lanes.take(batch(3, 1))]);
    await settle();
    expect(steps).toContain('write 1,2');
  });

  it('let a batch that is larger than a group go alone', async () => {
    const { lanes, steps } = lanesOf({ recordsMax: 5 });
    watch([lanes.take(batch(1, 9)), lanes.take(batch(2, 1))]);
    await settle();
    expect(steps).toContain('write 1');
  });

  it('read on while a group is written, and write the next one after that', async () => {
    const { lanes, groups, steps } = lanesOf({ recordsMax: 1 });
    watch([lanes.take(batch(1)), lanes.take(batch(2)), lanes.take(batch(3))]);
    await settle();
    expect(steps.filter((step) => step.startsWith('read'))).toEqual(['read 1', 'read 2', 'read 3']);
    expect(steps.filter((step) => step.startsWith('write'))).toEqual(['write 1']);
    groups[0]?.write();
    await settle();
    expect(steps.slice(-2)).toEqual(['written 1', 'write 2']);
  });

  it('write no group that is still being read into', async () => {
    const reading = new Map([
      [1, Promise.withResolvers<void>()],
      [2, Promise.withResolvers<void>()],
    ]);
    const { lanes, steps } = lanesOf({ read: async ({ partition }) => reading.get(partition)?.promise });
    watch([lanes.take(batch(1)), lanes.take(batch(2))]);
    await settle();
    reading.get(1)?.resolve();
    await settle();
    expect(steps).toEqual(['read 1']);
    reading.get(2)?.resolve();
    await settle();
    expect(steps).toEqual(['read 1', 'read 2', 'write 1,2']);
  });

  it('let what arrives during a write gather into one group', async () => {
    const { lanes, groups, steps } = lanesOf({ recordsMax: 5 });
    watch([lanes.take(batch(1))]);
    await settle();
    for (const partition of [2, 3, 4]) {
      watch([lanes.take(batch(partition))]);
      await settle();
    }
    groups[0]?.write();
    await settle();
    expect(steps.filter((step) => step.startsWith('write '))).toEqual(['write 1', 'write 2,3,4']);
  });

  it('keep a partition in its lane, and let lanes work side by side', async () => {
    const { lanes, steps } = lanesOf({ lanes: 2 });
    watch([lanes.take(batch(1)), lanes.take(batch(2)), lanes.take(batch(3))]);
    await settle();
    expect(steps.filter((step) => step.startsWith('write ')).sort()).toEqual(['write 1,3', 'write 2']);
  });

  it('never have partitions of two shards in one', async () => {
    const { lanes, steps } = lanesOf({ lanes: 2, shards: 2 });
    watch([0, 1, 2, 3, 4, 5, 6, 7].map((partition) => lanes.take(batch(partition))));
    await settle();
    const written = steps.filter((step) => step.startsWith('write ')).sort();
    expect(written).toEqual(['write 0,4', 'write 1,5', 'write 2,6', 'write 3,7']);
  });

  it('say of an offered batch whether its lane is full, and when it has room, while others have room', async () => {
    const { lanes, groups } = lanesOf({ shards: 2, recordsMax: 10, waitingRecordsMax: 20 });
    const waits = [10, 10, 10].map(() => lanes.offer(batch(0, 10)));
    await settle();
    expect(waits.slice(0, 2)).toEqual([undefined, undefined]);
    expect(lanes.offer(batch(1, 10))).toBeUndefined();
    let hasRoom = false;
    const room = lanes.offer(batch(0, 10))?.then(() => {
      hasRoom = true;
    });
    await settle();
    expect(hasRoom).toBe(false);
    for (const group of groups) group.write();
    await settle();
    for (const group of groups) group.write();
    await room;
    expect(hasRoom).toBe(true);
  });

  it('take no more in than may wait', async () => {
    const { lanes, groups } = lanesOf({ recordsMax: 10, waitingRecordsMax: 20 });
    const states = watch([lanes.take(batch(1, 10)), lanes.take(batch(1, 10)), lanes.take(batch(1, 10))]);
    expect(states).toEqual(['waits', 'waits', 'waits']);
    await settle();
    // The first group is being written, so there is room for the two others.
    expect(states).toEqual(['taken', 'taken', 'taken']);
    const more = watch([lanes.take(batch(1, 10))]);
    await settle();
    expect(more).toEqual(['waits']);
    groups[0]?.write();
    await settle();
    expect(more).toEqual(['taken']);
  });

  it('are idle when all is written', async () => {
    const { lanes, groups } = lanesOf({ lanes: 2, recordsMax: 1 });
    watch([lanes.take(batch(1)), lanes.take(batch(2)), lanes.take(batch(2))]);
    const idle = watch([lanes.idle()]);
    for (let written = 0; written < 3; written++) {
      await settle();
      expect(idle).toEqual(['waits']);
      groups[written]?.write();
    }
    await settle();
    expect(idle).toEqual(['taken']);
    expect(groups).toHaveLength(3);
  });

  it('are not idle while a batch is being read', async () => {
    const reading = Promise.withResolvers<void>();
    const { lanes, groups } = lanesOf({ read: () => reading.promise });
    watch([lanes.take(batch(1))]);
    const idle = watch([lanes.idle()]);
    await settle();
    expect(idle).toEqual(['waits']);
    reading.resolve();
    await settle();
    expect(idle).toEqual(['waits']);
    groups[0]?.write();
    await settle();
    expect(idle).toEqual(['taken']);
  });

  it('take nothing more in after a group could not be written, and write nothing after it', async () => {
    const { lanes, groups, steps } = lanesOf({ recordsMax: 1, waitingRecordsMax: 1 });
    const states = watch([1, 2, 3].map((partition) => lanes.take(batch(partition))));
    await settle();
    expect(states).toEqual(['taken', 'waits', 'waits']);
    groups[0]?.fail(new Error('no room'));
    await settle();
    expect(states[2]).toBe('Error: no room');
    expect(steps).not.toContain('write 2');
    await expect(lanes.take(batch(5))).rejects.toThrow('no room');
    await lanes.idle();
  });

  it('write nothing of a lane in which a batch could not be read', async () => {
    const read = async ({ partition }: IncomingBatch): Promise<void> => {
      if (partition === 2) throw new Error('not this one');
    };
    const { lanes, steps } = lanesOf({ read });
    watch([lanes.take(batch(1)), lanes.take(batch(2)), lanes.take(batch(3))]);
    await settle();
    await lanes.idle();
    expect(steps).toEqual(['read 1']);
    await expect(lanes.take(batch(4))).rejects.toThrow('not this one');
  });
});
