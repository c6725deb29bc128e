/**
 * How a figure of a statement is made: the rule, the days and policies that count, and a recount within the bounds of the
 * statement that says whether the rows still add up to what was stated.
 */
import { type Day, policyStretches } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { AdjustedFigure, StatementBounds } from '../document.ts';
import { policiesOf } from '../on-record.ts';
import { type Asked, checkNarrowing, daysOf, kindOf, type Narrowing, statedOfPart } from './asked.ts';
import { type Recount, recountInteractions } from './recount.ts';
import { recountUnified } from './recount-unified.ts';

export interface Explanation extends Recount {
  tenantId: string;
  month: string;
  figure: AdjustedFigure;
  narrowedTo: Narrowing;
  /** As the statement has it; null for a part that it does not tell. */
  stated: number | null;
  /** What is counted, in a sentence. */
  rule: string;
  /** The first and the last day of interactions that count, both included. */
  days: { first: Day; last: Day };
  /** What counts on which of these days; none for unified people. */
  policies: { first: Day; last: Day; policy: string; directions: string[]; channels: string[] }[];
  /** Everything before these offsets was counted, nothing from them on. */
  bounds: StatementBounds;
}

/** Throws `NARROWING_INVALID`, `POLICY_UNKNOWN`. */
export async function explain(clickhouse: ClickHouse, asked: Asked): Promise<Explanation> {
  checkNarrowing(asked);
  const { statement, figure, environment, channel, day } = asked;
  const { positions, epochs } = statement.evidence;
  const days = daysOf(asked);
  const recount = kindOf(figure) === 'unified' ? recountUnified : recountInteractions;
  return {
    tenantId: statement.tenantId,
    month: statement.month,
    figure,
    narrowedTo: { environment, channel, day },
    stated: statedOfPart(asked),
    rule: ruleOf(figure, days),
    days,
    policies: stretchesOf(asked),
    bounds: { positions, epochs },
    ...(await recount(clickhouse, asked)),
  };
}

function ruleOf(figure: AdjustedFigure, { first, last }: { first: Day; last: Day }): string {
  switch (kindOf(figure)) {
    case 'interactions':
      return `interactions that happened from ${first} to ${last} (UTC), counted by the policy of their day, each once however often it was sent, without those a void took back`;
    case 'engaged':
      return `contacts, leads and other records with at least one counted interaction from ${first} to ${last} (UTC), the 12 months up to ${last}, without those a void took back; each once, in its environment`;
    case 'unified':
      return `people of every environment on ${last}: live source records, those that share an identifier being one person, as published then`;
  }
}

function stretchesOf(asked: Asked): Explanation['policies'] {
  if (kindOf(asked.figure) === 'unified') return [];
  const { first, last } = daysOf(asked);
  return policyStretches(policiesOf(asked.statement), first, last).map(({ policy, ...days }) => ({
    ...days,
    policy: policy.name,
    directions: [...policy.directions],
    channels: [...policy.channels],
  }));
}
