/**
 * What the receiver does: now and then it fails, drops the connection or is slow. How, follows from the seed, the id and the
 * how-manieth time it comes.
 */
import { createHash } from 'node:crypto';
import type { ReceiverOptions } from '../../support/webhook-receiver.ts';

const FAILS = 0.06;
const DROPS = 0.03;
const IS_SLOW = 0.2;
const SLOW_MS_MAX = 300;

export function answers(seed: number): NonNullable<ReceiverOptions['answer']> {
  return (id, nth) => {
    const [chance, slow, ms] = chances(`${seed}/${id}/${nth}`);
    // After a second failure the notifier waits half a minute, so there is only one.
    const status = nth > 1 || chance >= FAILS + DROPS ? 200 : chance < FAILS ? 500 : 0;
    return { status, afterMs: slow < IS_SLOW ? ms * SLOW_MS_MAX : 0 };
  };
}

/** Three numbers from 0 to 1. */
function chances(of: string): [number, number, number] {
  const bytes = createHash('sha256').update(of).digest();
  const part = (at: number): number => bytes.readUInt32BE(at) / 2 ** 32;
  return [part(0), part(4), part(8)];
}
