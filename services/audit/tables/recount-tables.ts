/**
 * Runs the first recount. While events flow, a difference counts when it is still there after the batches in flight have
 * had time to land: two tables are not read at the same moment.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ledger } from '@tally/figures';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { type Comparison, DIFFERENCES_LISTED_MAX, type Difference, placeOf } from '../findings.ts';
import { TABLE_CHECKS, type TableCheck } from './checks.ts';
import { comparePositions, findOffenders } from './compare.ts';
import { compareEntityMonths } from './entity-months.ts';

export interface TableOptions {
  clickhouse: ClickHouse;
  ledger: Ledger;
  topics: { interactions: string; profiles: string };
  /** Whether nothing was on its way into the tables since the ledger was read. */
  wasAtRest: () => Promise<boolean>;
  /** Told after each check. */
  onCheck: (done: number, of: number) => void;
}

const LOOKS = 3;
const BETWEEN_LOOKS_MS = 1_500;

/** Compares every derived table with `interactions`. */
export async function recountTables(options: TableOptions): Promise<Comparison[]> {
  const checks: (() => Promise<Comparison>)[] = [
    ...TABLE_CHECKS.map((check) => () => look(options, check)),
    () => lookAtEntityMonths(options.clickhouse),
  ];
  const comparisons: Comparison[] = [];
  for (const [index, check] of checks.entries()) {
    comparisons.push(await check());
    options.onCheck(index + 1, checks.length);
  }
  for (let looked = 1; looked < LOOKS && comparisons.some(({ differing }) => differing > 0); looked++) {
    if (await options.wasAtRest()) break;
    await sleep(BETWEEN_LOOKS_MS);
    for (const [index, check] of checks.entries()) {
      const before = comparisons[index];
      if (before && before.differing > 0) comparisons[index] = whatStayed(before, await check());
    }
  }
  return comparisons;
}

function whatStayed(before: Comparison, now: Comparison): Comparison {
  const names = new Set(before.differences.map(nameOf));
  const differences = now.differences.filter((difference) => names.has(nameOf(difference)));
  // With more than can be listed there is no telling which of the others stayed; that so many differ is enough.
  const differing = now.differing > DIFFERENCES_LISTED_MAX ? now.differing : differences.length;
  return { ...now, differing, differences };
}

function nameOf({ topic, partition, offset, what }: Difference): string {
  return `${topic}/${partition}/${offset}/${what}`;
}

async function look({ clickhouse, ledger, topics }: TableOptions, check: TableCheck): Promise<Comparison> {
  const open = ledger.partitions.filter(({ closed }) => !closed);
  const params = {
    partitions: open.map(({ epoch, partition }) => epoch * 2 ** 16 + partition),
    limits: open.map(
      ({ epoch, partition, committed }) => (BigInt(epoch) << 56n) | (BigInt(partition) << 40n) | BigInt(committed),
    ),
    interactions: epochsOf(ledger, topics.interactions),
    profiles: epochsOf(ledger, topics.profiles),
  };
  const { compared, differing, found } =
    'sets' in check
      ? await comparePositions(clickhouse, check.sets, params)
      : await findOffenders(clickhouse, check.offenders, check.what, params);
  const differences = found.map(({ position, what }) => ({
    comparison: check.name,
    ...placeOf(ledger.partitions, position),
    what,
  }));
  return { name: check.name, compared, differing, differences };
}

async function lookAtEntityMonths(clickhouse: ClickHouse): Promise<Comparison> {
  const name = 'entity_months: a bit for each day in interactions';
  const { compared, differing, found } = await compareEntityMonths(clickhouse);
  return { name, compared, differing, differences: found.map((what) => ({ comparison: name, what })) };
}

function epochsOf({ partitions }: Ledger, topic: string): number[] {
  return [...new Set(partitions.filter((of) => of.topic === topic).map(({ epoch }) => epoch))];
}
