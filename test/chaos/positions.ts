/**
 * What ClickHouse says of every log position, held against the oracle: the ledger, what is billed, what can be looked up.
 */
import { currentLog } from '@tally/consumer';
import type { LogOutcome } from '@tally/figures';
import type { ExpectedLog, ExpectedPartition } from './log-oracle.ts';
import type { ChaosSystem } from './system.ts';

export interface LedgerRow {
  topic: string;
  partition: number;
  start: number;
  committed: number;
  end: number;
  outcomes: Partial<Record<LogOutcome, number>>;
  /** Every position from start to committed has exactly one outcome, none lies outside, and committed is the end. */
  balanced: boolean;
  /** Positions whose outcome is another than the oracle's, or that have none or several. */
  wrong: number;
}

export interface PositionFindings {
  ledger: LedgerRow[];
  /** `topic/partition/offset` of what must count and does not, in any of the tables. */
  lost: Set<string>;
  /** The same of what counts and must not: a repetition, or anything else. */
  countedTwice: Set<string>;
  /** Other outcomes that are wrong, in words; the first few of each partition. */
  differences: string[];
}

const OUTCOMES: readonly LogOutcome[] = [
  'counted',
  'duplicate',
  'conflicting',
  'void',
  'suppressed',
  'dead-letter',
  'control',
];
const EXAMPLES_MAX = 5;

const LEDGER = `
  SELECT partition, toString(outcome) AS outcome, toUInt32(bitAnd(position, 0xFFFFFFFFFF)) AS offset
  FROM
  (
    SELECT partition, outcome, arrayJoin(bitmapToArray(groupBitmapMergeState(positions))) AS position
    FROM log_outcomes
    WHERE epoch = {epoch:UInt8}
    GROUP BY partition, bucket, outcome
  )`;

/** One row for each time a position is in a figure: one that is there on two days is there twice. */
const BILLED = `
  SELECT arrayJoin(bitmapToArray(groupBitmapMergeState(counted))) AS position
  FROM daily_interactions
  GROUP BY tenant_id, day, environment_id, channel, direction`;

const STORED = 'SELECT DISTINCT position, day, channel, direction FROM interactions';

const IDENTITIES_TWICE = `
  SELECT tenant_id, environment_id, toString(entity_type) AS entity_type, entity_id, event_id
  FROM interactions
  GROUP BY tenant_id, environment_id, entity_type, entity_id, event_id
  HAVING uniqExact(position) > 1`;

/** Compares position by position. */
export async function comparePositions(system: ChaosSystem, expected: ExpectedLog): Promise<PositionFindings> {
  const findings: PositionFindings = { ledger: [], lost: new Set(), countedTwice: new Set(), differences: [] };
  for (const topic of ['interactions', 'profiles'] as const) {
    const name = system.topics[topic];
    const { epoch } = await currentLog(system.clickhouse, name);
    const found = await foundOutcomes(system, epoch);
    const committed = await system.admin.committed(system.groupId, name);
    for (const { partition, start, end } of await system.admin.extents(name)) {
      const none = { topic, partition, start: Number(start), outcomes: [] } satisfies ExpectedPartition;
      const wanted = expected.partitions.find((one) => one.topic === topic && one.partition === partition) ?? none;
      const extent = { start: Number(start), committed: Number(committed.get(partition) ?? start), end: Number(end) };
      compareLedger(findings, { name, wanted, found: found.get(partition) ?? [], extent });
    }
  }
  for (const sql of [BILLED, STORED]) await compareCounted(system, sql, expected, findings);
  const { clickhouse } = system;
  for (const identity of await clickhouse.query<Record<string, string>>(IDENTITIES_TWICE)) {
    findings.countedTwice.add(`event ${Object.values(identity).join('/')}`);
  }
  return findings;
}

/** Partition → offset → outcomes as bits: an offset with several has several. */
async function foundOutcomes({ clickhouse }: ChaosSystem, epoch: number): Promise<Map<number, number[]>> {
  const found = new Map<number, number[]>();
  const rows = clickhouse.stream<[number, LogOutcome, number]>(LEDGER, { epoch });
  for await (const [partition, outcome, offset] of rows) {
    const of = found.get(partition) ?? [];
    found.set(partition, of);
    of[offset] = (of[offset] ?? 0) | (1 << OUTCOMES.indexOf(outcome));
  }
  return found;
}

function compareLedger(
  findings: PositionFindings,
  compared: {
    name: string;
    wanted: ExpectedPartition;
    found: number[];
    extent: { start: number; committed: number; end: number };
  },
): void {
  const { name, wanted, found, extent } = compared;
  const { partition } = wanted;
  const outcomes: LedgerRow['outcomes'] = {};
  let [wrong, single] = [0, 0];
  const last = Math.max(found.length, wanted.start + wanted.outcomes.length);
  for (let offset = 0; offset < last; offset++) {
    const bits = found[offset] ?? 0;
    const has = OUTCOMES.filter((_, index) => bits & (1 << index));
    for (const outcome of has) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    if (has.length === 1 && offset >= extent.start && offset < extent.committed) single++;
    const must = wanted.outcomes[offset - wanted.start];
    if (has.length === (must === undefined ? 0 : 1) && has[0] === must) continue;
    const place = `${name}/${partition}/${offset}`;
    if (must === 'counted' && !has.includes('counted')) findings.lost.add(place);
    if (must !== 'counted' && has.includes('counted')) findings.countedTwice.add(place);
    if (++wrong <= EXAMPLES_MAX) {
      findings.differences.push(`${place} is ${has.join(' and ') || 'without outcome'}, must be ${must ?? 'without'}`);
    }
  }
  const positions = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
  const all = extent.committed - extent.start;
  const balanced = single === all && positions === all && extent.committed === extent.end;
  findings.ledger.push({ topic: name, partition, ...extent, outcomes, balanced, wrong });
}

/** Every position that the oracle counts must be in the query's answer once, and no other. */
async function compareCounted(
  system: ChaosSystem,
  sql: string,
  expected: ExpectedLog,
  findings: PositionFindings,
): Promise<void> {
  const name = system.topics.interactions;
  const seen = new Map<number, Uint8Array>();
  const wanted = new Map<number, ExpectedPartition>();
  for (const one of expected.partitions) {
    if (one.topic !== 'interactions') continue;
    wanted.set(one.partition, one);
    seen.set(one.partition, new Uint8Array(one.outcomes.length));
  }
  const rows = system.clickhouse.stream<[number, number]>(
    `SELECT toUInt16(bitAnd(bitShiftRight(position, 40), 0xFFFF)), toUInt32(bitAnd(position, 0xFFFFFFFFFF)) FROM (${sql})`,
  );
  for await (const [partition, offset] of rows) {
    const of = wanted.get(partition);
    const index = offset - (of?.start ?? 0);
    const times = seen.get(partition);
    const isFirst = times !== undefined && (times[index] ?? 0) === 0;
    if (times && index < times.length) times[index] = 1;
    if (isFirst && of?.outcomes[index] === 'counted') continue;
    findings.countedTwice.add(`${name}/${partition}/${offset}`);
  }
  for (const { partition, start, outcomes } of wanted.values()) {
    const times = seen.get(partition);
    outcomes.forEach((outcome, index) => {
      if (outcome === 'counted' && times?.[index] !== 1) {
        findings.lost.add(`${name}/${partition}/${start + index}`);
      }
    });
  }
}
