/**
 * Whether the chaos did any harm: everything that is there, held against the oracles, and what the run set out to do.
 */
import { CHECKPOINTS } from '@tally/consumer';
import type { LogOutcome } from '@tally/figures';
import { auditLog } from './audit.ts';
import { compareDeadLetters } from './dead-letters.ts';
import { type ChaosForm, SERVER_FAULT_TEXTS, SERVER_FAULTS } from './form.ts';
import { type ExpectedLog, expectedOfLog } from './log-oracle.ts';
import { compareMeters } from './meters.ts';
import { comparePositions } from './positions.ts';
import type { Chaos, ChaosOptions } from './run.ts';
import type { ChaosSystem } from './system.ts';
import { streamOf } from './traffic.ts';

export type Verdict = Awaited<ReturnType<typeof judge>>;

const EXAMPLES_MAX = 20;

/** Reads everything back; nothing may be writing any more. */
export async function judge(system: ChaosSystem, chaos: Chaos, { seed, form, until }: ChaosOptions) {
  const expected = await expectedOfLog(system, streamOf({ seed, events: form.events, until }));
  const { ledger, lost, countedTwice, differences: positionDifferences } = await comparePositions(system, expected);
  const meters = await compareMeters(system, { truth: chaos.truth, until });
  const deadLetters = await compareDeadLetters(system, expected);
  const audit = await auditLog(system);
  const log = compareOracles(chaos, expected);
  const differences = [
    ...[...lost].slice(0, EXAMPLES_MAX).map((place) => `lost: ${place}`),
    ...[...countedTwice].slice(0, EXAMPLES_MAX).map((place) => `counted twice: ${place}`),
    ...positionDifferences,
    ...ledger
      .filter(({ balanced }) => !balanced)
      .map(({ topic, partition }) => `${topic}/${partition} is not balanced`),
    ...meters.differences,
    ...deadLetters.differences,
    ...audit.differences,
    ...log.differences,
    ...chaos.sent.surprises,
  ];
  const shortfalls = shortfallsOf(chaos, form);
  return {
    ok: differences.length === 0 && shortfalls.length === 0,
    lost: lost.size,
    countedTwice: countedTwice.size,
    ledger,
    meters,
    deadLetters,
    audit,
    records: expected.records,
    repeatedSends: log.repeatedSends,
    differences,
    shortfalls,
  };
}

/**
 * The two oracles against each other: the truth knows the stream, the other one the log. What the log has more are records
 * that were sent again when Kafka had not answered: duplicates, or conflicting like the first of them. Malformed ones are
 * never given up, so they are never sent again.
 */
function compareOracles(
  { truth, sent }: Chaos,
  expected: ExpectedLog,
): { repeatedSends: number; differences: string[] } {
  const inLog: Partial<Record<LogOutcome, number>> = {};
  for (const { topic, outcomes } of expected.partitions) {
    if (topic !== 'interactions') continue;
    for (const outcome of outcomes) inLog[outcome] = (inLog[outcome] ?? 0) + 1;
  }
  const inStream = truth.outcomes();
  const differences = expected.alien.slice(0, EXAMPLES_MAX).map((place) => `nobody sent what is at ${place}`);
  for (const [outcome, found, wanted] of [
    ['counted', inLog.counted, inStream.counted],
    ['void', inLog.void, inStream.void],
    ['suppressed', inLog.suppressed, inStream.suppressed],
    ['dead letters', inLog['dead-letter'], inStream.deadLetter],
    ['control records', inLog.control, 0],
  ] as const) {
    if ((found ?? 0) !== wanted)
      differences.push(`the log has ${found ?? 0} records that are ${outcome}, the stream ${wanted}`);
  }
  for (const repeated of ['duplicate', 'conflicting'] as const) {
    if ((inLog[repeated] ?? 0) < inStream[repeated]) differences.push(`the log has fewer ${repeated} than the stream`);
  }
  const repeatedSends = expected.records - sent.sent;
  if (repeatedSends < 0) differences.push(`${-repeatedSends} acknowledged records are not in the log`);
  if (repeatedSends > sent.uncertainRetries) {
    differences.push(
      `the log has ${repeatedSends} records more than the stream, ${sent.uncertainRetries} were sent again`,
    );
  }
  return { repeatedSends, differences };
}

/** What the run set out to do and did not; faults that this machine cannot have are no shortfall. */
function shortfallsOf({ plans, serverFaults }: Chaos, form: ChaosForm): string[] {
  const shortfalls: string[] = [];
  for (const place of CHECKPOINTS) {
    const killed = plans.kills.get(place) ?? 0;
    if (killed < form.killsPerPlace) shortfalls.push(`${killed} of ${form.killsPerPlace} kills at ${place}`);
  }
  if (plans.freezesDone() < form.freezes) shortfalls.push(`${plans.freezesDone()} of ${form.freezes} freezes`);
  for (const fault of SERVER_FAULTS) {
    const done = serverFaults.filter((one) => one.fault === fault && !one.missed).length;
    if (done < form.server[fault]) shortfalls.push(`${done} of ${form.server[fault]}: ${SERVER_FAULT_TEXTS[fault]}`);
  }
  return shortfalls;
}
