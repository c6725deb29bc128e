import type { IncomingBatch } from '@tally/platform/kafka';
import { describe, expect, it } from 'vitest';
import { GroupCommit } from './group-commit.ts';
import { batchOf } from './test-events.ts';

interface Written {
  partitions: number[];
  done: () => void;
  fail: (error: unknown) => void;
}

/** Groups whose writes wait until the test settles them. */
function groupsOf(recordsMax: number): { groups: GroupCommit; written: Written[] } {
  const written: Written[] = [];
  const groups = new GroupCommit({
    recordsMax,
    write: (batches) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      written.push({ partitions: batches.map(({ partition }) => partition), done: resolve, fail: reject });
      return promise;
    },
  });
  return { groups, written };
}

function batch(partition: number, records = 1, signal = new AbortController().signal): IncomingBatch {
  return batchOf(
    Array.from({ length: records }, (_, offset) => BigInt(offset)),
    { partition, signal },
  );
}

/** How each batch ended. */
function watch(submitted: Promise<void>[]): string[] {
  const states = submitted.map(() => 'pending');
  for (const [index, one] of submitted.entries()) {
    one.then(
      () => {
        states[index] = 'written';
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
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
}

function partitions(written: readonly Written[]): number[][] {
  return written.map((group) => group.partitions);
}

describe('GroupCommit', () => {
  it('writes batches that arrive in one turn together, in their order', async () => {
    const { groups, written } = groupsOf(100);
    const states = watch([2, 0, 1].map((partition) => groups.submit(batch(partition))));
    await settle();
    expect(partitions(written)).toEqual([[2, 0, 1]]);
    expect(states).toEqual(['pending', 'pending', 'pending']);
    written[0]?.done();
    await settle();
    expect(states).toEqual(['written', 'written', 'written']);
  });

  it('puts those that arrive while a group is being written into the next one', async () => {
    const { groups, written } = groupsOf(100);
    const first = watch([groups.submit(batch(0))]);
    await settle();
    const next = watch([groups.submit(batch(1)), groups.submit(batch(2))]);
    await settle();
    expect(partitions(written)).toEqual([[0]]);
    written[0]?.done();
    await settle();
    expect(partitions(written)).toEqual([[0], [1, 2]]);
    expect([...first, ...next]).toEqual(['written', 'pending', 'pending']);
  });

  it.each([
    [[3, 3, 4], 10, [[0, 1, 2]]],
    [[3, 3, 5], 10, [[0, 1], [2]]],
    [[50, 1, 1], 10, [[0], [1, 2]]],
    [[1, 50, 1], 10, [[0], [1], [2]]],
    [[0, 0, 0], 1, [[0, 1, 2]]],
  ])('puts batches of %j records into groups of at most %i, a larger one alone', async (sizes, max, expected) => {
    const { groups, written } = groupsOf(max);
    watch(sizes.map((records, partition) => groups.submit(batch(partition, records))));
    for (let group = 0; group < 3; group++) {
      await settle();
      written[group]?.done();
    }
    await settle();
    expect(partitions(written)).toEqual(expected);
  });

  it('rejects the batches of a group that failed, and goes on with the next', async () => {
    const { groups, written } = groupsOf(2);
    const states = watch([0, 1, 2].map((partition) => groups.submit(batch(partition))));
    await settle();
    written[0]?.fail(new Error('no disk'));
    await settle();
    written[1]?.done();
    await settle();
    expect(partitions(written)).toEqual([[0, 1], [2]]);
    expect(states).toEqual(['Error: no disk', 'Error: no disk', 'written']);
  });

  it('leaves out batches that are no longer waited for, with the reason', async () => {
    const { groups, written } = groupsOf(100);
    const first = watch([groups.submit(batch(0))]);
    await settle();
    const aborter = new AbortController();
    const waiting = [batch(1), batch(2, 1, aborter.signal), batch(3)];
    const states = watch(waiting.map((one) => groups.submit(one)));
    aborter.abort(new Error('rebalance'));
    written[0]?.done();
    await settle();
    written[1]?.done();
    await settle();
    expect(partitions(written)).toEqual([[0], [1, 3]]);
    expect([...first, ...states]).toEqual(['written', 'written', 'Error: rebalance', 'written']);
  });

  it('writes nothing when all that waited were called off', async () => {
    const { groups, written } = groupsOf(100);
    const states = watch([groups.submit(batch(0, 1, AbortSignal.abort(new Error('stop'))))]);
    await settle();
    expect(written).toEqual([]);
    expect(states).toEqual(['Error: stop']);
    const again = watch([groups.submit(batch(0))]);
    await settle();
    written[0]?.done();
    await settle();
    expect(again).toEqual(['written']);
  });

  it('finishes a group that is already being written when one of its batches is called off', async () => {
    const { groups, written } = groupsOf(100);
    const aborter = new AbortController();
    const states = watch([groups.submit(batch(0, 1, aborter.signal)), groups.submit(batch(1))]);
    await settle();
    aborter.abort(new Error('rebalance'));
    written[0]?.done();
    await settle();
    expect(states).toEqual(['written', 'written']);
  });

  it('is idle when nothing is being written, and not before', async () => {
    const { groups, written } = groupsOf(1);
    await groups.idle();
    watch([groups.submit(batch(0)), groups.submit(batch(1))]);
    const idle = watch([groups.idle()]);
    await settle();
    written[0]?.done();
    await settle();
    expect(idle).toEqual(['pending']);
    written[1]?.fail(new Error('no disk'));
    await settle();
    expect(idle).toEqual(['written']);
  });
});
