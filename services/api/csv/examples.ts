/**
 * Answers as they might be, for the documentation: what is shown there is made from them as from real ones.
 */
import type {
  CurveAnswer,
  InteractionsAnswer,
  OverviewAnswer,
  PublishedAnswer,
  QuotaAnswer,
  StatementsAnswer,
  UnifiedHistoryAnswer,
} from '@tally/contract';

const asOf = { computedAt: '2026-11-21T09:30:00.000Z', positions: {} };
const quota = { owned: 1_000, used: 790, remaining: 210, overage: 0, share: 0.79, reachedOn: null };
const interactions = { ...quota, month: '2026-11', projected: 1_079 };

interface Examples {
  overview: OverviewAnswer;
  interactions: InteractionsAnswer;
  curve: CurveAnswer;
  unifiedHistory: UnifiedHistoryAnswer;
  published: PublishedAnswer;
  quota: QuotaAnswer;
  statements: StatementsAnswer;
}

export const EXAMPLES: Examples = {
  overview: {
    tenants: [
      {
        tenantId: 'contoso',
        engagedPeople: quota,
        interactions,
        unifiedPeople: { ...quota, known: true },
        months: [
          { month: '2026-10', total: 801 },
          { month: '2026-11', total: 790 },
        ],
        alerts: { critical: 0, warning: 1, info: 0 },
        peopleToBuy: 0,
      },
    ],
    computedAt: asOf.computedAt,
  },
  interactions: {
    months: [{ month: '2026-11', total: 3, byChannel: { email: 2, sms: 1 }, byEnvironment: { prod: 3 } }],
    policy: 'all',
    asOf,
  },
  curve: { days: [{ day: '2026-11-20', total: 113 }], policy: 'all', asOf },
  unifiedHistory: { days: [{ day: '2026-11-20', total: 94, byEnvironment: { prod: 90, test: 4 } }], asOf },
  published: {
    meter: 'engaged',
    period: '2026-11-20',
    published: [
      {
        computedAt: asOf.computedAt,
        total: 113,
        breakdown: { byEnvironment: { prod: 113 }, byEntityType: { contact: 113 } },
        policy: 'all',
        runId: '0d1f3c52-6a0b-4c62-9d1e-2f8a1b7c9e10',
        positions: {},
      },
    ],
    complete: true,
    asOf,
  },
  quota: {
    on: '2026-11-21',
    engagedPeople: quota,
    interactions,
    unifiedPeople: { ...quota, known: true, asOf },
    dataverse: { base: 1, addOnUnits: 0 },
    emailPerHour: 'standard',
    outboundMarketingInstalls: 1,
    environments: [
      {
        id: 'prod',
        name: 'Production',
        registered: true,
        engagedPeople: { used: 790, others: 0 },
        interactions: { used: 790, others: 0 },
        unifiedPeople: { used: 790, others: 0 },
      },
    ],
    trials: [],
    policy: 'all',
    catalogueVersion: 1,
    asOf,
  },
  statements: {
    statements: [
      {
        month: '2026-10',
        number: 22,
        issuedAt: '2026-11-04T08:00:00.000Z',
        issuedBy: 'ann',
        interactions: { owned: 1_000, used: 801, overage: 0 },
        engagedPeoplePeak: { day: '2026-10-17', owned: 1_000, used: 790, overage: 0 },
        unifiedPeoplePeak: { day: '2026-10-31', owned: 1_000, used: 790, overage: 0 },
        peopleToBuy: 0,
        unifiedPeopleToBuy: 0,
        adjustments: 0,
        digest: `sha256:${'0'.repeat(64)}`,
        previousDigest: null,
      },
    ],
  },
};
