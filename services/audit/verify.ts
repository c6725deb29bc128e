/**
 * Proves the figures: recounts everything twice over, once from the table `interactions`, once from Kafka, and compares.
 * Everything is compared up to the offsets committed at the start, so events may flow meanwhile.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Ledger, type LedgerSources, ledger } from '@tally/figures';
import { compareFigures } from './against/figures.ts';
import { compareOutcomes, type RecountedPartition } from './against/outcomes.ts';
import type { Comparison, Difference } from './findings.ts';
import { type LogRecord, Recount, type TopicKind } from './recount/recount.ts';
import { recountTables } from './tables/recount-tables.ts';

export type VerifyStep = 'tables' | 'records';

export interface VerifyOptions extends Omit<LedgerSources, 'topics'> {
  topics: { interactions: string; profiles: string; schemas: string };
  /** Reads a whole topic, a partition's records in order. */
  readTopic: (topic: string, visit: (record: LogRecord) => void) => Promise<void>;
  /** Told of progress: checks of tables, then records of Kafka. */
  onProgress: (step: VerifyStep, done: number, total: number) => void;
}

export interface Verification {
  /** Whether the ledger is balanced and nothing differs. */
  verified: boolean;
  /** Up to where everything was recounted. */
  ledger: Ledger;
  comparisons: Comparison[];
  /** All comparisons' together, by position; those without one come last. */
  differences: Difference[];
  durationMs: number;
}

/** While events flow, the figures are ahead of what was recounted; so often is tried to meet them at rest. */
const FIGURE_ATTEMPTS = 3;
const REST_WAIT_MS_MAX = 10_000;
const REST_POLL_MS = 250;
const INSERT_SETTLES_MS = 1_500;
const PROGRESS_EVERY_RECORDS = 10_000;

/** Recounts and compares. Throws the Kafka and the ClickHouse client's errors. */
export async function verify(options: VerifyOptions): Promise<Verification> {
  const startedAt = performance.now();
  const before = await currentLedger(options);
  const { clickhouse, topics, onProgress } = options;
  const onCheck = (done: number, of: number): void => onProgress('tables', done, of);
  const tables = await recountTables({
    clickhouse,
    ledger: before,
    topics,
    wasAtRest: () => wasAtRest(options, before),
    onCheck,
  });
  const kafka = await recountKafka(options, before);
  const comparisons = [...tables, ...kafka.comparisons];
  return {
    verified: before.balanced && kafka.upTo.balanced && comparisons.every(({ differing }) => differing === 0),
    ledger: kafka.upTo,
    comparisons,
    differences: comparisons.flatMap((comparison) => comparison.differences).sort(byPosition),
    durationMs: Math.round(performance.now() - startedAt),
  };
}

function currentLedger({ topics, ...sources }: VerifyOptions): Promise<Ledger> {
  return ledger({ ...sources, topics: [topics.interactions, topics.profiles] });
}

/** The outcomes up to what is committed now; the figures when they hold nothing beyond it. */
async function recountKafka(
  options: VerifyOptions,
  from: Ledger,
): Promise<{ upTo: Ledger; comparisons: Comparison[] }> {
  const { clickhouse, clock } = options;
  for (let attempt = 1, upTo = from; ; attempt++, upTo = await atRest(options)) {
    const { recount, outcomes, whole } = await recountUpTo(options, upTo);
    const without = (why: string) => ({ upTo, comparisons: [...outcomes, uncompared(why)] });
    if (!whole) return without('records are gone from Kafka that the figures hold');
    const figures = await compareFigures({ clickhouse, recount, now: clock() });
    const equal = figures.every(({ differing }) => differing === 0);
    if (equal || !(await mayHoldMore(options, upTo))) return { upTo, comparisons: [...outcomes, ...figures] };
    if (attempt === FIGURE_ATTEMPTS) return without(`moved during verification, ${attempt} times: events keep coming`);
  }
}

function uncompared(note: string): Comparison {
  return { name: 'Kafka: figures', compared: 0, differing: 0, differences: [], note };
}

async function recountUpTo(
  options: VerifyOptions,
  upTo: Ledger,
): Promise<{ recount: Recount; outcomes: Comparison[]; whole: boolean }> {
  const recount = new Recount();
  await options.readTopic(options.topics.schemas, (record) => recount.learn(record));
  const outcomes: Comparison[] = [];
  const total = upTo.partitions.reduce(
    (sum, { start, committed, closed }) => sum + (closed ? 0 : committed - start),
    0,
  );
  let done = 0;
  let whole = true;
  const onRecord = (): void => {
    done++;
    if (done % PROGRESS_EVERY_RECORDS === 0) options.onProgress('records', Math.min(done, total), total);
  };
  for (const kind of ['interactions', 'profiles'] as const) {
    const partitions = await recountTopic(options, upTo, recount, kind, onRecord);
    whole &&= partitions.every(({ hasEarlier }) => !hasEarlier);
    outcomes.push(await compareOutcomes(options.clickhouse, options.topics[kind], partitions));
  }
  options.onProgress('records', total, total);
  return { recount, outcomes, whole };
}

async function recountTopic(
  { admin, topics, readTopic }: VerifyOptions,
  upTo: Ledger,
  recount: Recount,
  kind: TopicKind,
  onRecord: () => void,
): Promise<RecountedPartition[]> {
  const topic = topics[kind];
  const extents = await admin.extents(topic);
  const own = upTo.partitions.filter((of) => of.topic === topic);
  const current = own.filter(({ closed }) => !closed);
  const ranges = current.map(({ partition, start, committed }) => {
    const kept = Number(extents.find((extent) => extent.partition === partition)?.start ?? committed);
    return { from: Math.min(Math.max(start, kept), committed), to: committed };
  });
  const outcomes = await recount.take(kind, ranges, (visit) =>
    readTopic(topic, (record) => {
      visit(record);
      if (Number(record.offset) < (ranges[record.partition]?.to ?? 0)) onRecord();
    }),
  );
  const afterOthers = own.some(({ closed, committed, start }) => closed && committed > start);
  return current.flatMap((of, partition) => {
    const outcome = outcomes[partition];
    return outcome ? [{ of, outcomes: outcome, hasEarlier: afterOthers || outcome.from > of.start }] : [];
  });
}

/**
 * Whether the figures may hold more than the ledger's committed positions: when the log goes on behind them, and a batch
 * of it has been written. An insert in flight is given the time to show.
 */
async function mayHoldMore(options: VerifyOptions, upTo: Ledger): Promise<boolean> {
  if (await wasAtRest(options, upTo)) return false;
  await sleep(INSERT_SETTLES_MS);
  const rows = await options.clickhouse.query<{ epoch: number; partition: number; next: string }>(
    `SELECT epoch, partition, bitAnd(max(log_outcomes.last), 0xFFFFFFFFFF) + 1 AS next
     FROM log_outcomes
     GROUP BY epoch, partition`,
  );
  return rows.some((row) => Number(row.next) > committedIn(upTo, row));
}

/** Whether the log ends now where it was committed then: nothing can have been in flight in between. */
async function wasAtRest(options: VerifyOptions, since: Ledger): Promise<boolean> {
  const now = await currentLedger(options);
  return now.lag === 0 && now.partitions.every((of) => of.committed === committedIn(since, of));
}

function committedIn({ partitions }: Ledger, { epoch, partition }: { epoch: number; partition: number }): number {
  return partitions.find((of) => of.epoch === epoch && of.partition === partition)?.committed ?? 0;
}

/** The ledger as soon as everything is committed, or as it is after `REST_WAIT_MS_MAX`. */
async function atRest(options: VerifyOptions): Promise<Ledger> {
  const deadline = performance.now() + REST_WAIT_MS_MAX;
  for (;;) {
    const now = await currentLedger(options);
    if (now.lag === 0 || performance.now() > deadline) return now;
    await sleep(REST_POLL_MS);
  }
}

function byPosition(a: Difference, b: Difference): number {
  const topics = (a.topic ?? '\uffff').localeCompare(b.topic ?? '\uffff');
  return topics || (a.partition ?? 0) - (b.partition ?? 0) || (a.offset ?? 0) - (b.offset ?? 0);
}
