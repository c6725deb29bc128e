/**
 * The demo's report for people.
 */
import type { Comparison, Pair } from './compare.ts';
import type { ProcessMemory } from './memory.ts';
import { count, print, table } from './print.ts';

export interface Speed {
  /** Until every service was ready, milliseconds. */
  setUpMs: number;
  /** Until everything sent was acknowledged. */
  sendMs: number;
  /** From the first send until the last record was counted and committed. */
  throughMs: number;
  /** From the first send until the comparison was done. */
  totalMs: number;
  /** Records in the metered topics. */
  records: number;
  sent: number;
}

const DIFFERENCES_SHOWN_MAX = 20;
const MIB = 1024 * 1024;

export function printComparison({ months, unified, outcomes, deadLetters, differences }: Comparison): void {
  print(
    table(
      [
        { title: 'tenant' },
        { title: 'month' },
        { title: 'interactions', right: true },
        { title: 'truth', right: true },
        { title: 'engaged at its end', right: true },
        { title: 'truth', right: true },
        { title: '' },
      ],
      months.map(({ tenantId, month, interactions, engaged }) => [
        tenantId,
        month,
        ...both(interactions),
        ...both(engaged),
        verdict(interactions, engaged),
      ]),
    ),
  );
  print(
    table(
      [
        { title: 'tenant' },
        { title: 'unified people', right: true },
        { title: 'truth', right: true },
        { title: 'records', right: true },
        { title: 'truth', right: true },
        { title: '' },
      ],
      unified.map(({ tenantId, people, records }) => [
        tenantId,
        ...both(people),
        ...both(records),
        verdict(people, records),
      ]),
    ),
  );
  const outcomeRows = outcomes.map(({ outcome, positions }) => [outcome, ...both(positions), verdict(positions)]);
  const reasonRows = deadLetters.map(({ reason, records }) => [`  ${reason}`, ...both(records), verdict(records)]);
  print(
    table(
      [{ title: 'outcome' }, { title: 'log positions', right: true }, { title: 'truth', right: true }, { title: '' }],
      [...outcomeRows, ['dead letters, both topics:', '', '', ''], ...reasonRows],
    ),
  );
  for (const difference of differences.slice(0, DIFFERENCES_SHOWN_MAX)) print(`${difference}\n`);
}

export function printSpeed(speed: Speed, memory: readonly ProcessMemory[]): void {
  print(
    table(
      [
        { title: 'process' },
        { title: 'pid', right: true },
        { title: 'peak MiB', right: true },
        { title: 'CPU s', right: true },
      ],
      memory.map(({ service, pid, peakBytes, cpuMs }) => [
        service,
        String(pid),
        count(Math.round(peakBytes / MIB)),
        (cpuMs / 1000).toFixed(1),
      ]),
    ),
  );
  const { setUpMs, sendMs, throughMs, totalMs, records, sent } = speed;
  print(`set-up ${seconds(setUpMs)}, run ${seconds(totalMs)}\n`);
  print(`sent ${count(sent)} in ${seconds(sendMs)}: ${count(perSecond(sent, sendMs))} a second\n`);
  print(
    `sent, counted and committed ${count(records)} records in ${seconds(throughMs)}: ${count(perSecond(records, throughMs))} events a second sustained\n`,
  );
}

function both({ tally, truth }: Pair): [string, string] {
  return [count(tally), count(truth)];
}

function verdict(...pairs: Pair[]): string {
  return pairs.every(({ tally, truth }) => tally === truth) ? 'equal' : 'DIFFERENT';
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function perSecond(items: number, ms: number): number {
  return Math.round(items / (ms / 1000));
}
