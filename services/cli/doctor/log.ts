/**
 * The log and what became of it: whether it is the one that was counted, who counts it, and whether all of it adds up.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { checkExtents, checkReplaced, currentLog } from '@tally/consumer';
import { ledger } from '@tally/figures';
import type { Looked } from './check.ts';
import { checkSpread } from './shards.ts';
import type { DoctorSources } from './sources.ts';

/** Between two looks at what the group has committed. */
const MOVES_WITHIN_MS = 2_000;
/** A consumer that has just begun, or has little to do, is not stuck. */
const STUCK_AGE_SECONDS_MIN = 60;

/** Throws what the consumer refuses to start for, under its codes. */
export async function checkLogIdentity(sources: DoctorSources): Promise<Looked> {
  // First: what is said otherwise would be to open the log as it is, and that is refused.
  await checkSpread(sources);
  const { clickhouse, topics } = sources;
  const logs = {
    interactions: await currentLog(clickhouse, topics.interactions),
    profiles: await currentLog(clickhouse, topics.profiles),
  };
  for (const log of Object.values(logs)) await checkExtents(log, sources);
  await checkReplaced({ ...sources, logs });
  const partitions = Object.values(logs).map(
    (log) => `${log.topic} epoch ${log.epoch}, ${log.partitions} partition(s)`,
  );
  return { seen: partitions.join('; ') };
}

interface Backlog {
  records: number;
  /** What is committed, as text that is the same as long as nothing moves. */
  committed: string;
}

async function backlogOf({ admin, groupId, topics }: DoctorSources): Promise<Backlog> {
  let records = 0n;
  const all: string[] = [];
  for (const topic of [topics.interactions, topics.profiles]) {
    const committed = await admin.committed(groupId, topic);
    for (const { partition, start, end } of await admin.extents(topic)) {
      const next = committed.get(partition) ?? start;
      if (end > next) records += end - next;
      all.push(String(next));
    }
  }
  return { records: Number(records), committed: all.join(' ') };
}

export async function checkConsumers(sources: DoctorSources, oldestAgeSeconds: () => Promise<number>): Promise<Looked> {
  const { admin, groupId } = sources;
  const members = await admin.members(groupId);
  const before = await backlogOf(sources);
  const seen = `${members} in group ${groupId}, ${before.records} record(s) to count`;
  if (members === 0) {
    const what =
      before.records === 0
        ? `nobody is in group ${groupId}`
        : `nobody is in group ${groupId}, and ${before.records} record(s) are not counted`;
    const severity = before.records === 0 ? 'warning' : 'failing';
    return { seen, findings: [{ code: 'CONSUMER_ABSENT', severity, what }] };
  }
  if (before.records === 0) return { seen };
  await sleep(MOVES_WITHIN_MS);
  const after = await backlogOf(sources);
  const age = await oldestAgeSeconds();
  if (after.records === 0 || after.committed !== before.committed || age < STUCK_AGE_SECONDS_MIN) return { seen };
  const what = `${after.records} record(s) are not counted, the oldest for ${age} s or more, and nothing moves`;
  return { seen, findings: [{ code: 'CONSUMER_STUCK', severity: 'failing', what }] };
}

export async function checkLedger({ clickhouse, admin, groupId, topics, clock }: DoctorSources): Promise<Looked> {
  const metered = [topics.interactions, topics.profiles];
  const { balanced, partitions } = await ledger({ clickhouse, admin, groupId, topics: metered, clock });
  if (balanced) return { seen: `every position has exactly one outcome, in ${partitions.length} partition(s)` };
  const wrong = partitions.filter((one) => !one.balanced);
  const names = wrong.map(({ topic, partition, epoch }) => `${topic}/${partition} (epoch ${epoch})`).join(', ');
  const what = `some position does not have exactly one outcome in ${names}`;
  return { seen: '', findings: [{ code: 'LEDGER_UNBALANCED', severity: 'failing', what }] };
}
