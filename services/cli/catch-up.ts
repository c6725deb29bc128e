/**
 * Waits until everything that is in the log is in the figures.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { TallyError } from '@tally/platform/errors';
import { createKafka, KafkaAdmin } from '@tally/platform/kafka';
import { createLog } from '@tally/platform/log';
import { topicNames } from '@tally/schemas';
import type { ApiClient } from './api-client.ts';
import type { Instance } from './instance.ts';
import { progressBar } from './progress.ts';

export const GROUP = 'tally';
const POLL_MS = 200;
/** Without any progress for this long, something is wrong. */
const STALLED_MS_MAX = 120_000;

/** Resolves when the consumers have committed all that is in the metered topics now. Returns the number of records. */
export async function untilConsumed(instance: Instance): Promise<number> {
  const { interactions, profiles } = topicNames();
  const admin = adminOf(instance);
  try {
    const ends = new Map<string, bigint>();
    for (const topic of [interactions, profiles]) {
      for (const { partition, end } of await admin.extents(topic)) ends.set(`${topic}/${partition}`, end);
    }
    const total = Number([...ends.values()].reduce((sum, end) => sum + end, 0n));
    const bar = progressBar('counting', total, 'records');
    const stall = stallGuard('the consumers make no progress');
    for (let done = -1; done < total; await sleep(POLL_MS)) {
      let committed = 0n;
      for (const topic of [interactions, profiles]) {
        for (const [partition, offset] of await admin.committed(GROUP, topic)) {
          const end = ends.get(`${topic}/${partition}`) ?? 0n;
          committed += offset < end ? offset : end;
        }
      }
      done = Number(committed);
      stall(done);
      bar.update(done);
    }
    bar.finish(total);
    bar.stop();
    return total;
  } finally {
    await admin.close();
  }
}

/** Resolves when the aggregator has published figures that hold everything committed until now. */
export async function untilAggregated(instance: Instance, api: ApiClient, tenantId: string): Promise<void> {
  const { interactions, profiles } = topicNames();
  const admin = adminOf(instance);
  const wanted = new Map<string, number>();
  try {
    for (const topic of [interactions, profiles]) {
      for (const [partition, offset] of await admin.committed(GROUP, topic)) {
        wanted.set(`${topic}/${partition}`, Number(offset));
      }
    }
  } finally {
    await admin.close();
  }
  const stall = stallGuard('the aggregator publishes nothing');
  for (;;) {
    const { asOf } = await api.unified(tenantId);
    const positions = asOf?.positions ?? {};
    if ([...wanted].every(([name, offset]) => (positions[name] ?? 0) >= offset)) return;
    stall(0);
    await sleep(POLL_MS);
  }
}

function adminOf(instance: Instance): KafkaAdmin {
  const log = createLog('tally', 'error');
  return new KafkaAdmin(createKafka({ brokers: [instance.kafka], clientId: 'tally-cli', log }));
}

function stallGuard(message: string): (done: number) => void {
  let last = -1;
  let since = Date.now();
  return (done) => {
    if (done !== last) {
      last = done;
      since = Date.now();
    } else if (Date.now() - since > STALLED_MS_MAX) {
      throw new TallyError(`${message} for ${STALLED_MS_MAX / 1000} s`, { code: 'STALLED', retriable: true });
    }
  };
}
