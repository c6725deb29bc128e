import type { OutgoingRecord } from '@tally/platform/kafka';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Batcher, type BatcherLimits } from './batcher.ts';
import { ProducerError } from './errors.ts';

const START = Date.UTC(2026, 0, 15);

beforeEach(() => {
  vi.useFakeTimers({ now: START });
});

afterEach(() => {
  vi.useRealTimers();
});

const WIDE: BatcherLimits = {
  lingerMsMax: 5,
  batchRecordsMax: 1_000,
  batchBytesMax: 1_000_000,
  bufferedRecordsMax: 1_000,
  waitingCallsMax: 1_000,
};

function record(name: string, bytes = 10): OutgoingRecord {
  return { topic: 't', key: Buffer.from(name), value: Buffer.alloc(bytes - name.length) };
}

interface Sent {
  names: string[];
  since: number;
  acknowledge: () => void;
  fail: (error: unknown) => void;
}

/** A batcher whose batches wait until the test settles them. */
function batcherWith(limits: Partial<BatcherLimits> = {}): { batcher: Batcher; sent: Sent[] } {
  const sent: Sent[] = [];
  const batcher = new Batcher({ ...WIDE, ...limits }, (records, since) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    sent.push({ names: records.map(({ key }) => String(key)), since, acknowledge: resolve, fail: reject });
    return promise;
  });
  return { batcher, sent };
}

/** Lets the wait for company pass. */
function linger(): Promise<unknown> {
  return vi.advanceTimersByTimeAsync(WIDE.lingerMsMax);
}

/** How each call ended: `pending`, `done` or an error's code. */
function watch(calls: Promise<void>[]): string[] {
  const states = calls.map(() => 'pending');
  for (const [index, call] of calls.entries()) {
    call.then(
      () => {
        states[index] = 'done';
      },
      (error: unknown) => {
        states[index] = error instanceof ProducerError ? `${error.code} ${error.retriable}` : String(error);
      },
    );
  }
  return states;
}

function names(sent: readonly Sent[]): string[][] {
  return sent.map((batch) => batch.names);
}

describe('Batcher', () => {
  it('waits for company as long as it may, and not longer', async () => {
    const { batcher, sent } = batcherWith();
    watch([batcher.add(record('a'))]);
    await vi.advanceTimersByTimeAsync(4);
    watch([batcher.add(record('b'))]);
    expect(sent).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(names(sent)).toEqual([['a', 'b']]);
  });

  it('puts no more records into a batch than it may', async () => {
    const { batcher, sent } = batcherWith({ batchRecordsMax: 2 });
    watch(['a', 'b', 'c', 'd', 'e'].map((name) => batcher.add(record(name))));
    await linger();
    for (let batch = 0; batch < 3; batch++) {
      expect(sent).toHaveLength(batch + 1);
      sent[batch]?.acknowledge();
      await vi.advanceTimersByTimeAsync(0);
    }
    expect(names(sent)).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
  });

  it.each([
    [30, [['a', 'b', 'c'], ['d']]],
    [
      29,
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    [10, [['a'], ['b'], ['c'], ['d']]],
    [1, [['a'], ['b'], ['c'], ['d']]],
  ])('puts no more than %i bytes of keys and values into a batch, but always one record', async (max, batches) => {
    const { batcher, sent } = batcherWith({ batchBytesMax: max });
    watch(['a', 'b', 'c', 'd'].map((name) => batcher.add(record(name, 10))));
    await linger();
    for (let batch = 0; batch < 4; batch++) {
      sent[batch]?.acknowledge();
      await vi.advanceTimersByTimeAsync(0);
    }
    expect(names(sent)).toEqual(batches);
  });

  it('sends one batch at a time', async () => {
    const { batcher, sent } = batcherWith({ batchRecordsMax: 1 });
    const states = watch([batcher.add(record('a')), batcher.add(record('b'))]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(names(sent)).toEqual([['a']]);
    sent[0]?.acknowledge();
    await vi.advanceTimersByTimeAsync(0);
    expect(names(sent)).toEqual([['a'], ['b']]);
    expect(states).toEqual(['done', 'pending']);
  });

  it('sends what came meanwhile without waiting for company again', async () => {
    const { batcher, sent } = batcherWith();
    watch([batcher.add(record('a'))]);
    await linger();
    watch([batcher.add(record('b')), batcher.add(record('c'))]);
    sent[0]?.acknowledge();
    await vi.advanceTimersByTimeAsync(0);
    expect(names(sent)).toEqual([['a'], ['b', 'c']]);
  });

  it('begins again after it had nothing to do', async () => {
    const { batcher, sent } = batcherWith();
    for (const name of ['a', 'b']) {
      const states = watch([batcher.add(record(name))]);
      await linger();
      sent.at(-1)?.acknowledge();
      await vi.advanceTimersByTimeAsync(0);
      expect(states).toEqual(['done']);
      expect(batcher.pending).toBe(0);
    }
    expect(names(sent)).toEqual([['a'], ['b']]);
  });

  it('tells the sender when the oldest record of the batch was handed over', async () => {
    const { batcher, sent } = batcherWith({ batchRecordsMax: 2, bufferedRecordsMax: 2 });
    watch([batcher.add(record('a'))]);
    await vi.advanceTimersByTimeAsync(3);
    watch(['b', 'c', 'd'].map((name) => batcher.add(record(name))));
    await vi.advanceTimersByTimeAsync(7_000);
    sent[0]?.acknowledge();
    await vi.advanceTimersByTimeAsync(0);
    // The wait for room is part of the time that a record is tried.
    expect(sent.map(({ since }) => since - START)).toEqual([0, 3]);
  });

  it('makes calls beyond the buffer wait, and takes them in their order', async () => {
    const { batcher, sent } = batcherWith({ bufferedRecordsMax: 2 });
    const states = watch(['a', 'b', 'c', 'd', 'e'].map((name) => batcher.add(record(name))));
    expect([batcher.pending, batcher.full]).toEqual([5, true]);
    await linger();
    expect(names(sent)).toEqual([['a', 'b']]);
    expect([batcher.pending, batcher.full]).toEqual([5, true]);
    sent[0]?.acknowledge();
    await vi.advanceTimersByTimeAsync(0);
    expect(names(sent)).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    expect(states).toEqual(['done', 'done', 'pending', 'pending', 'pending']);
    sent[1]?.acknowledge();
    await vi.advanceTimersByTimeAsync(0);
    sent[2]?.acknowledge();
    await batcher.flush();
    expect(names(sent).flat()).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect([batcher.pending, batcher.full]).toEqual([0, false]);
  });

  it('lets no call overtake those that wait, not even one made at the moment of an acknowledgement', async () => {
    const { batcher, sent } = batcherWith({ bufferedRecordsMax: 1 });
    const first = batcher.add(record('a'));
    watch([batcher.add(record('b')), first.then(() => batcher.add(record('c')))]);
    await linger();
    for (let batch = 0; batch < 3; batch++) {
      sent[batch]?.acknowledge();
      await vi.advanceTimersByTimeAsync(WIDE.lingerMsMax);
    }
    expect(names(sent)).toEqual([['a'], ['b'], ['c']]);
  });

  it('counts what is in flight as buffered', async () => {
    const { batcher, sent } = batcherWith({ bufferedRecordsMax: 2 });
    watch([batcher.add(record('a')), batcher.add(record('b'))]);
    await linger();
    expect(names(sent)).toEqual([['a', 'b']]);
    expect([batcher.pending, batcher.full]).toEqual([2, true]);
  });

  it('refuses calls when too many wait already, and takes some when there is room again', async () => {
    const { batcher, sent } = batcherWith({ bufferedRecordsMax: 1, waitingCallsMax: 2 });
    const states = watch(['a', 'b', 'c', 'd'].map((name) => batcher.add(record(name))));
    await linger();
    expect(states).toEqual(['pending', 'pending', 'pending', 'BUFFER_FULL true']);
    sent[0]?.acknowledge();
    await vi.advanceTimersByTimeAsync(0);
    const again = watch([batcher.add(record('d'))]);
    await vi.advanceTimersByTimeAsync(0);
    expect(again).toEqual(['pending']);
  });

  it('rejects exactly the records of a failed batch, as worth trying again', async () => {
    const { batcher, sent } = batcherWith({ batchRecordsMax: 2 });
    const calls = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => batcher.add(record(name)));
    const states = watch(calls);
    await linger();
    sent[0]?.acknowledge();
    await vi.advanceTimersByTimeAsync(0);
    const cause = new Error('no broker');
    sent[1]?.fail(cause);
    await vi.advanceTimersByTimeAsync(0);
    sent[2]?.acknowledge();
    await batcher.flush();
    expect(states).toEqual(['done', 'done', 'NOT_ACKNOWLEDGED true', 'NOT_ACKNOWLEDGED true', 'done', 'done']);
    await expect(calls[2]).rejects.toMatchObject({ cause });
  });

  it('rejects the batch when sending throws at once', async () => {
    const batcher = new Batcher(WIDE, () => {
      throw new Error('a bug');
    });
    const states = watch([batcher.add(record('a'))]);
    await linger();
    expect(states).toEqual(['NOT_ACKNOWLEDGED true']);
    expect(batcher.pending).toBe(0);
  });

  it('flushes: everything taken so far is acknowledged or refused then', async () => {
    const { batcher, sent } = batcherWith({ batchRecordsMax: 1 });
    const states = watch([batcher.add(record('a')), batcher.add(record('b'))]);
    const flushed = watch([batcher.flush()]);
    await linger();
    sent[0]?.fail(new Error('no broker'));
    await vi.advanceTimersByTimeAsync(0);
    expect(flushed).toEqual(['pending']);
    sent[1]?.acknowledge();
    await vi.advanceTimersByTimeAsync(0);
    expect([...states, ...flushed]).toEqual(['NOT_ACKNOWLEDGED true', 'done', 'done']);
  });

  it('flushes at once when there is nothing', async () => {
    await batcherWith().batcher.flush();
  });

  it('refuses calls once it is closed, and ends with those it had, the waiting ones among them', async () => {
    const { batcher, sent } = batcherWith({ bufferedRecordsMax: 1 });
    const states = watch([batcher.add(record('a')), batcher.add(record('b'))]);
    const closed = watch([batcher.close()]);
    const late = watch([batcher.add(record('c'))]);
    await linger();
    sent[0]?.acknowledge();
    await vi.advanceTimersByTimeAsync(0);
    expect([...states, ...closed, ...late]).toEqual(['done', 'pending', 'pending', 'PRODUCER_CLOSED false']);
    sent[1]?.acknowledge();
    await vi.advanceTimersByTimeAsync(0);
    expect([...states, ...closed]).toEqual(['done', 'done', 'done']);
    expect(names(sent)).toEqual([['a'], ['b']]);
  });

  it('keeps the order, the limits and every record, whatever the traffic', async () => {
    const limits = fc.record({
      lingerMsMax: fc.integer({ min: 0, max: 5 }),
      batchRecordsMax: fc.integer({ min: 1, max: 5 }),
      batchBytesMax: fc.integer({ min: 1, max: 60 }),
      bufferedRecordsMax: fc.integer({ min: 1, max: 8 }),
      waitingCallsMax: fc.constant(1_000),
    });
    const arrivals = fc.array(fc.record({ afterMs: fc.nat(4), bytes: fc.integer({ min: 4, max: 30 }) }), {
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(limits, arrivals, fc.nat(7), fc.func(fc.boolean()), async (given, all, sendMs, succeeds) => {
        const batches: { names: string[]; ok: boolean }[] = [];
        let sending = 0;
        const batcher = new Batcher(given, async (records) => {
          expect(++sending).toBe(1);
          const bytes = records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0);
          expect(records.length).toBeLessThanOrEqual(given.batchRecordsMax);
          if (records.length > 1) expect(bytes).toBeLessThanOrEqual(given.batchBytesMax);
          const ok = succeeds(batches.length);
          batches.push({ names: records.map(({ key }) => String(key)), ok });
          await new Promise((resolve) => setTimeout(resolve, sendMs));
          sending--;
          if (!ok) throw new Error('no broker');
        });
        const states: string[][] = [];
        for (const [index, { afterMs, bytes }] of all.entries()) {
          await vi.advanceTimersByTimeAsync(afterMs);
          states.push(watch([batcher.add(record(String(index), bytes))]));
        }
        await vi.runAllTimersAsync();
        expect(batches.flatMap((batch) => batch.names)).toEqual(all.map((_, index) => String(index)));
        const expected = batches.flatMap((batch) =>
          batch.names.map(() => (batch.ok ? 'done' : 'NOT_ACKNOWLEDGED true')),
        );
        expect(states.flat()).toEqual(expected);
        expect(batcher.pending).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});
