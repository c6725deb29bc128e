import { describe, expect, it } from 'vitest';
import { createLog } from '../log.ts';
import { Commits } from './commits.ts';

const RETRY_MS = 5;

/** A broker of one topic: what it has committed, and whether it takes commits. */
function brokerOf(start: Record<number, number> = {}) {
  const offsets = new Map(Object.entries(start).map(([partition, offset]) => [Number(partition), offset]));
  const broker = { offsets, refuses: false, sent: 0, asked: 0 };
  const commits = new Commits({
    log: createLog('test', 'silent'),
    retryMs: RETRY_MS,
    committed: async () => {
      broker.asked++;
      return new Map([...offsets].map(([partition, offset]) => [partition, BigInt(offset)]));
    },
    send: async (all) => {
      await new Promise(setImmediate);
      if (broker.refuses) throw new Error('the group is rebalancing');
      broker.sent++;
      for (const { partition, offset } of all) offsets.set(partition, Number(offset));
    },
  });
  const handled = (partition: number, offset: number) => commits.commit([{ topic: 't', partition, offset }]);
  return { broker, commits, handled };
}

const retried = () => new Promise((resolve) => setTimeout(resolve, 10 * RETRY_MS));

describe('Commits', () => {
  it('send what is handled', async () => {
    const { broker, commits, handled } = brokerOf();
    commits.assigned({ t: [0, 1] });
    await handled(0, 5);
    await Promise.all([handled(1, 7), handled(0, 9)]);
    expect(broker.offsets).toEqual(
      new Map([
        [0, 9],
        [1, 7],
      ]),
    );
    expect(broker.asked).toBeLessThan(3);
  });

  it('try again what was refused, also over a new assignment that leaves the partition here', async () => {
    const { broker, commits, handled } = brokerOf({ 0: 3 });
    commits.assigned({ t: [0] });
    broker.refuses = true;
    await handled(0, 5);
    commits.assigned({ t: [0] });
    await retried();
    expect(broker.offsets.get(0)).toBe(3);
    broker.refuses = false;
    await retried();
    expect(broker.offsets.get(0)).toBe(5);
  });

  it('leave to others what is theirs now', async () => {
    const { broker, commits, handled } = brokerOf({ 0: 3 });
    commits.assigned({ t: [0] });
    broker.refuses = true;
    await handled(0, 5);
    broker.refuses = false;
    commits.assigned({ t: [1] });
    await handled(0, 6);
    await retried();
    expect(broker.offsets.get(0)).toBe(3);
  });

  it('keep what was handled just before the partition was assigned here', async () => {
    const { broker, commits, handled } = brokerOf({ 0: 3 });
    commits.assigned({ t: [1] });
    await handled(0, 5);
    expect(broker.offsets.get(0)).toBe(3);
    commits.assigned({ t: [0] });
    await retried();
    expect(broker.offsets.get(0)).toBe(5);
  });

  it('never go back behind what others have committed, nor behind their own', async () => {
    const { broker, commits, handled } = brokerOf({ 0: 3 });
    commits.assigned({ t: [0] });
    await handled(0, 5);
    broker.offsets.set(0, 20);
    commits.assigned({ t: [0] });
    await handled(0, 9);
    expect(broker.offsets.get(0)).toBe(20);
    await handled(0, 21);
    await handled(0, 4);
    expect(broker.offsets.get(0)).toBe(21);
  });

  it('are over when they are closed', async () => {
    const { broker, commits, handled } = brokerOf({ 0: 3 });
    commits.assigned({ t: [0] });
    broker.refuses = true;
    await handled(0, 5);
    commits.close();
    broker.refuses = false;
    await retried();
    expect(broker.offsets.get(0)).toBe(3);
  });
});
