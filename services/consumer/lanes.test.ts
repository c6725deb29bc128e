import type { IncomingBatch } from '@tally/platform/kafka';
import { describe, expect, it } from 'vitest';
import { Lanes } from './lanes.ts';
import { batchOf } from './test-events.ts';

interface Group {
  partitions: number[];
  prepare: () => void;
  write: () => void;
  fail: (error: unknown) => void;
}

/** Lanes whose steps wait until the test lets them go on; what was done is in `steps`. */
function lanesOf({ lanes = 1, recordsMax = 10, waitingRecordsMax = 20 } = {}): {
  lanes: Lanes<Group>;
  groups: Group[];
  steps: string[];
} {
  const groups: Group[] = [];
  const steps: string[] = [];
  const run = new Lanes<Group>({
    lanes,
    recordsMax,
    waitingRecordsMax,
    prepare: async (batches) => {
      const partitions = batches.map(({ partition }) => partition);
      const [prepared, written] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const group: Group = { partitions, prepare: prepared.resolve, write: written.resolve, fail: written.reject };
      groups.push(group);
      steps.push(`prepare ${partitions}`);
      await prepared.promise;
      Object.assign(group, { written: written.promise });
      return group;
    },
    write: async (group) => {
      steps.push(`write ${group.partitions}`);
      await (group as Group & { written: Promise<void> }).written;
      steps.push(`written ${group.partitions}`);
    },
  });
  return { lanes: run, groups, steps };
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
    const { lanes, groups } = lanesOf({ recordsMax: 5 });
    watch([lanes.take(batch(1, 2)), lanes.take(batch(2, 3)), lanes.take(batch(3, 1))]);
    await settle();
    expect(groups.map(({ partitions }) => partitions)).toEqual([[1, 2]]);
  });

  it('let a batch that is larger than a group go alone', async () => {
    const { lanes, groups } = lanesOf({ recordsMax: 5 });
    watch([lanes.take(batch(1, 9)), lanes.take(batch(2, 1))]);
    await settle();
    expect(groups.map(({ partitions }) => partitions)).toEqual([[1]]);
  });

  it('prepare the next group while one is written, and write it after that', async () => {
    const { lanes, groups, steps } = lanesOf({ recordsMax: 1 });
    watch([lanes.take(batch(1)), lanes.take(batch(2)), lanes.take(batch(3))]);
    await settle();
    groups[0]?.prepare();
    await settle();
    groups[1]?.prepare();
    await settle();
    expect(steps).toEqual(['prepare 1', 'write 1', 'prepare 2']);
    groups[0]?.write();
    await settle();
    expect(steps.slice(3)).toEqual(['written 1', 'write 2', 'prepare 3']);
  });

  it('let what arrives during a write gather into one group', async () => {
    const { lanes, groups } = lanesOf({ recordsMax: 5 });
    watch([lanes.take(batch(1))]);
    await settle();
    groups[0]?.prepare();
    await settle();
    for (const partition of [2, 3, 4]) {
      watch([lanes.take(batch(partition))]);
      await settle();
    }
    groups[0]?.write();
    await settle();
    expect(groups.map(({ partitions }) => partitions)).toEqual([[1], [2, 3, 4]]);
  });

  it('keep a partition in its lane, and let lanes work side by side', async () => {
    const { lanes, steps, groups } = lanesOf({ lanes: 2 });
    watch([lanes.take(batch(1)), lanes.take(batch(2)), lanes.take(batch(3))]);
    await settle();
    for (const group of groups) group.prepare();
    await settle();
    expect(steps.filter((step) => step.startsWith('write '))).toEqual(['write 2', 'write 1,3'].sort());
  });

  it('take no more in than may wait', async () => {
    const { lanes, groups } = lanesOf({ recordsMax: 10, waitingRecordsMax: 20 });
    const states = watch([lanes.take(batch(1, 10)), lanes.take(batch(1, 10)), lanes.take(batch(1, 10))]);
    expect(states).toEqual(['waits', 'waits', 'waits']);
    await settle();
    // The first group left the queue, so there is room for the two others.
    expect(states).toEqual(['taken', 'taken', 'taken']);
    const more = watch([lanes.take(batch(1, 10))]);
    await settle();
    expect(more).toEqual(['waits']);
    groups[0]?.prepare();
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
      groups[written]?.prepare();
      groups[written]?.write();
    }
    await settle();
    expect(idle).toEqual(['taken']);
    expect(groups).toHaveLength(3);
  });

  it('take nothing more in after a group could not be written, and write nothing after it', async () => {
    const { lanes, groups, steps } = lanesOf({ recordsMax: 1, waitingRecordsMax: 1 });
    const taken = [1, 2, 3, 4].map((partition) => lanes.take(batch(partition)));
    const states = watch(taken);
    await settle();
    groups[0]?.prepare();
    await settle();
    expect(states[3]).toBe('waits');
    groups[0]?.fail(new Error('no room'));
    groups[1]?.prepare();
    await settle();
    expect(states[3]).toBe('Error: no room');
    expect(steps).not.toContain('write 2');
    await expect(lanes.take(batch(5))).rejects.toThrow('no room');
    await lanes.idle();
  });
});
