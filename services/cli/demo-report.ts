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

export function printComparison(comparison: Comparison): void {
  const { months, unified, outcomes, deadLetters, differences } = comparison;
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
  printQuotas(comparison);
  printTrueUps(comparison);
  printLedger(comparison);
  for (const difference of differences.slice(0, DIFFERENCES_SHOWN_MAX)) print(`${difference}\n`);
}

const METER_TITLES = {
  engagedPeople: 'engaged people',
  interactions: 'interactions this month',
  unifiedPeople: 'unified people',
};

function printQuotas({ quotas }: Comparison): void {
  if (quotas.length === 0) return;
  const numbers = ['owned', 'used', 'truth', 'left', 'truth', 'share'].map((title) => ({ title, right: true }));
  print(
    table(
      [{ title: 'tenant' }, { title: 'licences' }, { title: 'quota' }, ...numbers, { title: '' }],
      quotas.map(({ tenantId, standing, meter, owned, used, remaining, share }) => [
        ...[tenantId, standing, METER_TITLES[meter]],
        ...[count(owned.tally), ...both(used), ...both(remaining)],
        ...[share === null ? '' : `${(100 * share).toFixed(1)} %`, verdict(owned, used, remaining)],
      ]),
    ),
  );
}

function printTrueUps({ trueUps }: Comparison): void {
  if (trueUps.length === 0) return;
  const figures = ['engaged peak', 'busiest month', 'people to buy', 'unified to buy'];
  const numbers = figures.flatMap((title) => [
    { title, right: true },
    { title: 'truth', right: true },
  ]);
  print(
    table(
      [{ title: 'true-up' }, { title: 'year from' }, ...numbers, { title: '' }],
      trueUps.map(({ tenantId, yearFrom, engagedPeak, interactionsPeak, peopleToBuy, unifiedPeopleToBuy }) => {
        const pairs = [engagedPeak, interactionsPeak, peopleToBuy, unifiedPeopleToBuy];
        return [tenantId, yearFrom, ...pairs.flatMap(both), verdict(...pairs)];
      }),
    ),
  );
}

function printLedger({ ledger }: Comparison): void {
  print(
    table(
      [{ title: 'ledger' }, { title: 'records', right: true }, { title: 'truth', right: true }, { title: '' }],
      ledger.map(({ topic, records, balanced }) => [
        topic,
        ...both(records),
        balanced ? `balanced, ${verdict(records)}` : 'NOT BALANCED',
      ]),
    ),
  );
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
