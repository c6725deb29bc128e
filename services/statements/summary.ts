/**
 * Statements at a glance, for lists.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { Statement } from './document.ts';
import { storedStatements } from './stored.ts';

export interface StatementSummary
  extends Pick<Statement, 'month' | 'number' | 'issuedAt' | 'issuedBy' | 'policy' | 'digest' | 'previousDigest'> {
  interactions: Pick<Statement['interactions'], 'owned' | 'used' | 'overage'>;
  /** On the day with the highest figure. */
  engagedPeoplePeak: Pick<Statement['engagedPeople']['peak'], 'day' | 'owned' | 'used' | 'overage'>;
  unifiedPeoplePeak: Pick<Statement['unifiedPeople']['peak'], 'day' | 'owned' | 'used' | 'overage'>;
  /** To buy for the licence year so far; null without a licence. */
  peopleToBuy: number | null;
  unifiedPeopleToBuy: number | null;
  /** How many figures of earlier months it adjusts. */
  adjustments: number;
}

/** A tenant's statements by month. */
export async function statementSummaries(clickhouse: ClickHouse, tenantId: string): Promise<StatementSummary[]> {
  const statements = (await storedStatements(clickhouse, [tenantId])).get(tenantId) ?? [];
  return statements.map(summaryOf).sort((a, b) => (a.month < b.month ? -1 : 1));
}

function summaryOf(statement: Statement): StatementSummary {
  const { month, number, issuedAt, issuedBy, policy, digest, previousDigest } = statement;
  const { interactions, engagedPeople, unifiedPeople, licenceYear, adjustments } = statement;
  return {
    month,
    number,
    issuedAt,
    issuedBy,
    policy,
    interactions: { owned: interactions.owned, used: interactions.used, overage: interactions.overage },
    engagedPeoplePeak: short(engagedPeople.peak),
    unifiedPeoplePeak: short(unifiedPeople.peak),
    peopleToBuy: licenceYear?.peopleToBuy ?? null,
    unifiedPeopleToBuy: licenceYear?.unifiedPeopleToBuy ?? null,
    adjustments: adjustments.length,
    digest,
    previousDigest,
  };
}

function short({
  day,
  owned,
  used,
  overage,
}: Statement['engagedPeople']['peak']): StatementSummary['engagedPeoplePeak'] {
  return { day, owned, used, overage };
}
