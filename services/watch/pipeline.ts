/**
 * What the pipeline looks like at a moment. A part that cannot be read is null, and does not keep the others from being
 * seen; what went wrong is logged.
 */
import { AGGREGATE_JOB } from '@tally/aggregator';
import { DEAD_LETTER_WINDOW_HOURS, type OperatorObservation } from '@tally/alerts';
import { lastSucceeded, ledger } from '@tally/figures';
import { addToMonth, type Month } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { KafkaAdmin } from '@tally/platform/kafka';
import type { Logger } from '@tally/platform/log';
import type { Topics } from '@tally/schemas';
import { lastStatable, lastStatedMonths, statableFrom } from '@tally/statements';

export interface PipelineSources {
  clickhouse: ClickHouse;
  admin: KafkaAdmin;
  /** The consumers' group. */
  groupId: string;
  topics: Pick<Topics, 'interactions' | 'profiles' | 'deadLetters'>;
  graceDays: number;
  log: Logger;
}

const MS_PER_SECOND = 1_000;
const MS_PER_HOUR = 3_600_000;

/** @param withLedger the ledger reads all outcomes, so it is not asked for every time */
export async function observePipeline(
  sources: PipelineSources,
  { now, withLedger }: { now: number; withLedger: boolean },
): Promise<OperatorObservation> {
  const { log } = sources;
  const seen = async <Part>(what: string, part: () => Promise<Part>): Promise<Part | null> => {
    try {
      return await part();
    } catch (err) {
      log.warn({ err, what }, 'a part of the pipeline cannot be observed');
      return null;
    }
  };
  const backlogs = await seen('lag', () => backlogsAt(sources, now));
  return {
    tenantId: null,
    at: now,
    lag: backlogs?.map(({ topic, records, ageSeconds }) => ({ topic, records, oldestAgeSeconds: ageSeconds })) ?? null,
    deadLetters: await seen('dead letters', () => deadLettersAt(sources, now)),
    figures: await seen('runs', async () => ({
      lastSuccessAt: (await lastSucceeded(sources.clickhouse, AGGREGATE_JOB)) ?? null,
      meters: [],
    })),
    ledger: withLedger ? await seen('ledger', () => ledgerAt(sources, now)) : null,
    expiry: backlogs === null ? null : await seen('retention', () => expiryOf(sources, { backlogs, now })),
    statements: await seen('statements', () => missingStatements(sources, now)),
  };
}

interface Backlog {
  topic: string;
  records: number;
  /** At least; null where nothing waits. */
  ageSeconds: number | null;
}

/** Ages that are told apart: what waits is at least as old as the largest of them that it has reached. */
const AGES_SECONDS = [
  0, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400, 172_800, 345_600, 604_800, 1_209_600,
  1_814_400, 2_592_000,
] as const;

async function backlogsAt({ admin, groupId, topics }: PipelineSources, now: number): Promise<Backlog[]> {
  const backlogs: Backlog[] = [];
  for (const topic of [topics.interactions, topics.profiles]) {
    const committed = await admin.committed(groupId, topic);
    let records = 0;
    for (const { partition, start, end } of await admin.extents(topic)) {
      const next = committed.get(partition) ?? start;
      if (end > next) records += Number(end - (next > start ? next : start));
    }
    let ageSeconds: number | null = null;
    for (const age of records === 0 ? [] : AGES_SECONDS) {
      const then = await admin.offsetsAt(topic, now - age * MS_PER_SECOND);
      if (![...then].some(([partition, offset]) => offset > (committed.get(partition) ?? 0n))) break;
      ageSeconds = age;
    }
    backlogs.push({ topic, records, ageSeconds: records === 0 ? null : (ageSeconds ?? 0) });
  }
  return backlogs;
}

async function deadLettersAt(
  { admin, topics }: PipelineSources,
  now: number,
): Promise<NonNullable<OperatorObservation['deadLetters']>> {
  const since = now - DEAD_LETTER_WINDOW_HOURS * MS_PER_HOUR;
  const arrived = async (topic: string): Promise<number> => {
    const then = await admin.offsetsAt(topic, since);
    let records = 0;
    for (const { partition, end } of await admin.extents(topic)) records += Number(end - (then.get(partition) ?? end));
    return records;
  };
  const records = (await arrived(topics.interactions)) + (await arrived(topics.profiles));
  return { number: await arrived(topics.deadLetters), records };
}

async function ledgerAt(
  { clickhouse, admin, groupId, topics }: PipelineSources,
  now: number,
): Promise<NonNullable<OperatorObservation['ledger']>> {
  const metered = [topics.interactions, topics.profiles];
  const { partitions } = await ledger({ clickhouse, admin, groupId, topics: metered, clock: () => now });
  const unbalanced = partitions.filter(({ balanced }) => !balanced);
  return {
    partitions: partitions.length,
    unbalanced: unbalanced.map(({ topic, partition }) => ({ topic, partition })),
  };
}

async function expiryOf(
  { admin }: PipelineSources,
  { backlogs, now }: { backlogs: readonly Backlog[]; now: number },
): Promise<NonNullable<OperatorObservation['expiry']>> {
  const expiry = [];
  for (const { topic, records, ageSeconds } of backlogs) {
    let firstExpiresAt: number | null = null;
    if (ageSeconds !== null) {
      const retentionMs = Number((await admin.topicSettings(topic))['retention.ms'] ?? -1);
      if (retentionMs >= 0) firstExpiresAt = now - ageSeconds * MS_PER_SECOND + retentionMs;
    }
    expiry.push({ topic, unread: records, firstExpiresAt });
  }
  return expiry;
}

/** Of tenants that have a statement: months after their last one that could be stated. */
async function missingStatements(
  { clickhouse, graceDays }: PipelineSources,
  now: number,
): Promise<NonNullable<OperatorObservation['statements']>> {
  const until = lastStatable(now, graceDays);
  let missing = 0;
  let oldestMonth: Month | null = null;
  for (const last of (await lastStatedMonths(clickhouse)).values()) {
    const next = addToMonth(last, 1);
    for (let month = next; month <= until; month = addToMonth(month, 1)) missing++;
    if (next <= until && (oldestMonth === null || next < oldestMonth)) oldestMonth = next;
  }
  return { missing, oldestMonth, dueSince: oldestMonth === null ? null : statableFrom(oldestMonth, graceDays) };
}
