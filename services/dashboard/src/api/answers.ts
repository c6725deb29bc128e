/**
 * What the api answers, as far as the dashboard reads it. Types alone: the shapes are declared where they are checked.
 */
import type { LedgerAnswer } from '@tally/contract';

export type {
  AlertsAnswer,
  CurveAnswer,
  InteractionsAnswer,
  LedgerAnswer,
  LicencesAnswer,
  QuotaAnswer,
  RunsAnswer,
  StatementsAnswer,
  TrueUpAnswer,
  UnifiedHistoryAnswer,
} from '@tally/contract';

export type LedgerPartition = LedgerAnswer['partitions'][number];

export interface SessionAnswer {
  role: string;
  /** Null is every tenant. */
  tenants: readonly string[] | null;
  name: string;
  expiresAt: string | null;
}

export interface Used {
  owned: number;
  used: number;
  remaining: number;
  overage: number;
  /** Null where nothing is owned. */
  share: number | null;
  /** The day on which the quota was or, at this pace, will be used up. */
  reachedOn: string | null;
}

export interface OverviewTenant {
  tenantId: string;
  engagedPeople: Used;
  interactions: Used & { month: string; projected: number | null };
  unifiedPeople: Used & { known: boolean };
  months: readonly { month: string; total: number }[];
  alerts: { critical: number; warning: number; info: number };
  peopleToBuy: number | null;
}

export interface OverviewAnswer {
  tenants: readonly OverviewTenant[];
  computedAt: string;
}

export interface DeadLettersAnswer {
  total: number;
  open: number;
  byReason: readonly { reason: string; open: number; retried: number; discarded: number; newestAt: string }[];
  newest: readonly {
    origin: string;
    reason: string;
    detail: string;
    service: string;
    state: string;
    at: string;
  }[];
  computedAt: string;
}
