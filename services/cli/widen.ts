/**
 * `tally log widen`, with its progress, until the consumers are at work again and what strayed meanwhile is put right.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type MeteredLog, WIDENING_STEPS, type WideningStep, widenLog } from '@tally/consumer';
import { list, retry } from '@tally/dead-letters';
import { Sender } from '@tally/platform/kafka';
import { createLog } from '@tally/platform/log';
import type { Connection } from './connection.ts';

export interface WidenOptions {
  topic: string;
  partitions: number;
  because: string;
  by: string;
  drainSeconds: number;
}

export interface Widened {
  log: MeteredLog;
  /** Nothing was taken in for so long, milliseconds. */
  closedMs: number;
  /** Whether consumers have counted on since. */
  goesOn: boolean;
  /** Records that senders with an old number of partitions misplaced, and that were sent where they belong. */
  sentOn: number;
}

const STEP_TEXTS: Readonly<Record<WideningStep, string>> = {
  fenced: 'the topic takes nothing; senders wait, the gateway answers 503',
  drained: 'everything in it is counted',
  widened: 'partitions added',
  opened: 'the new epoch is open',
  settled: 'every sender has asked for the number of partitions again',
  lifted: 'the topic takes events again',
};

/** A supervisor waits longer and longer before it starts a consumer that refuses. */
const GO_ON_MS_MAX = 90_000;
const POLL_MS = 500;
const DELIVERY_TIMEOUT_MS = 60_000;

export async function widen(
  connection: Connection,
  options: WidenOptions,
  say: (line: string) => void,
): Promise<Widened> {
  const { topic, partitions, because, by, drainSeconds } = options;
  let closedAt = Date.now();
  const log = await widenLog(
    { ...connection, topic },
    {
      ...{ partitions, because, by, drainMsMax: drainSeconds * 1000 },
      onStep: (step) => {
        if (step === 'fenced') closedAt = Date.now();
        say(`${WIDENING_STEPS.indexOf(step) + 1} of ${WIDENING_STEPS.length}  ${STEP_TEXTS[step]}\n`);
      },
    },
  );
  const closedMs = Date.now() - closedAt;
  const goesOn = await untilGoesOn(connection, topic);
  return { log, closedMs, goesOn, sentOn: goesOn ? await sendOn(connection, log) : 0 };
}

/** Whether the group commits within a while what is in the log now. */
async function untilGoesOn({ admin, groupId }: Connection, topic: string): Promise<boolean> {
  const ends = await admin.extents(topic);
  for (const deadline = Date.now() + GO_ON_MS_MAX; Date.now() < deadline; await sleep(POLL_MS)) {
    if ((await admin.members(groupId)) === 0) continue;
    const committed = await admin.committed(groupId, topic);
    if (ends.every(({ partition, end }) => (committed.get(partition) ?? 0n) >= end)) return true;
  }
  return false;
}

async function sendOn(connection: Connection, log: MeteredLog): Promise<number> {
  const context = { ...connection, clock: Date.now };
  const strayed = (await list(context, { state: 'open', reason: 'wrong-partition' })).filter(
    ({ origin }) => origin.startsWith(`${log.topic}/`) && origin.endsWith(`@${log.epoch}`),
  );
  if (strayed.length === 0) return 0;
  const sender = new Sender({
    kafka: connection.kafka,
    log: createLog('tally', 'error'),
    deliveryTimeoutMs: DELIVERY_TIMEOUT_MS,
  });
  try {
    const by = log.openedBy;
    return (await retry(context, strayed.reverse(), { sender, rekey: true, force: false, by })).sent.length;
  } finally {
    await sender.close();
  }
}
