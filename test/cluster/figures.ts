/**
 * Every figure of a database, to be held against another's: of each tenant its months, its days, engaged people on every
 * day, unified people; and what became of each position of the log.
 */
import {
  allFigures,
  dailyInteractions,
  differences,
  engagedCurve,
  knownTenants,
  ledger,
  outcomeCounts,
} from '@tally/figures';
import { addMonths, always, type Day } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { ClusterStage } from './stage.ts';

const MONTHS = 14;

export interface ComparedDatabases {
  figures: number;
  /** In words. */
  differences: string[];
  /** Every position of the log has one outcome, in both. */
  balanced: boolean;
}

/** Holds two databases against each other, each with the group that counts into it. */
export async function compareDatabases(
  stage: ClusterStage,
  one: CountedBy,
  other: CountedBy,
  until: Day,
): Promise<ComparedDatabases> {
  const [figures, others] = [await everyFigure(stage, one, until), await everyFigure(stage, other, until)];
  const balanced = [await ledgerOf(stage, one), await ledgerOf(stage, other)];
  return {
    figures: figures.size,
    differences: differences(figures, others),
    balanced: balanced.every((isBalanced) => isBalanced),
  };
}

export interface CountedBy {
  clickhouse: ClickHouse;
  groupId: string;
}

async function everyFigure(stage: ClusterStage, { clickhouse }: CountedBy, until: Day): Promise<Map<string, string>> {
  const all = await allFigures(clickhouse, Date.parse(`${until}T23:59:59Z`));
  const policies = always();
  const from = addMonths(until, -MONTHS);
  for (const tenantId of await knownTenants(clickhouse)) {
    for (const { day, ...figure } of await engagedCurve(clickhouse, { tenantId, policies, from, to: until })) {
      all.set(`engaged people of ${tenantId} on ${day}`, JSON.stringify(figure));
    }
    for (const { day, ...figure } of await dailyInteractions(clickhouse, {
      tenantId,
      policies,
      first: from,
      last: until,
    })) {
      all.set(`interactions of ${tenantId} on ${day}`, JSON.stringify(figure));
    }
  }
  for (const topic of [stage.topics.interactions, stage.topics.profiles]) {
    for (const [outcome, positions] of Object.entries(await outcomeCounts(clickhouse, topic)).sort()) {
      all.set(`${outcome} positions of ${topic}`, String(positions));
    }
  }
  return all;
}

async function ledgerOf({ admin, topics }: ClusterStage, { clickhouse, groupId }: CountedBy): Promise<boolean> {
  const metered = [topics.interactions, topics.profiles];
  const { balanced, lag } = await ledger({ clickhouse, admin, groupId, topics: metered, clock: Date.now });
  return balanced && lag === 0;
}
