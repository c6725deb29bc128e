/**
 * What an evaluation looks at: everything is read before, so that the same observation always gives the same findings.
 */
import type { Day, DayUsage, LicenceLine, Month, MonthOutlook, Quota, TrueUp } from '@tally/metering';
import type { Meter } from './rules.ts';

interface PeopleQuota extends Quota {
  /** See peopleReachedOn. */
  reachedOn: Day | null;
}

/** A tenant at a moment. The quotas are those of its day and of that day's month, as tenantQuota works them out. */
export interface TenantObservation {
  tenantId: string;
  /** Milliseconds since 1970-01-01 UTC. */
  at: number;
  /** The lines on record. */
  lines: readonly LicenceLine[];
  interactions: Quota & MonthOutlook & { month: Month };
  engagedPeople: PeopleQuota;
  /** `known`: whether a figure was ever published; without one nothing is said about unified people. */
  unifiedPeople: PeopleQuota & { known: boolean };
  /**
   * Interactions of the last nine weeks, from 63 days before up to the day itself, ascending; days without any may be
   * left out. History begins with the first day that is listed.
   */
  days: readonly DayUsage[];
  /** Of the licence year so far; null where the day is in none: only trials, or nothing in force. */
  trueUp: (Pick<TrueUp, 'interactions' | 'peopleToBuy'> & { licenceYear: { from: Day; until: Day } }) | null;
}

/** New dead letters, and all records, are counted over so many hours up to the moment. */
export const DEAD_LETTER_WINDOW_HOURS = 24;

export interface TopicLag {
  topic: string;
  /** Records in the log that are not committed yet. */
  records: number;
  /** Of the oldest of them, seconds; null where there is none. */
  oldestAgeSeconds: number | null;
}

export interface TopicExpiry {
  topic: string;
  /** Records that are not counted yet. */
  unread: number;
  /** When the retention deletes the first of them, milliseconds since 1970-01-01 UTC; null where there is none, or no end. */
  firstExpiresAt: number | null;
}

/** The pipeline at a moment. A part that is null could not be read: nothing is said about it, and its alerts stay. */
export interface OperatorObservation {
  tenantId: null;
  /** Milliseconds since 1970-01-01 UTC, as all moments here. */
  at: number;
  lag: readonly TopicLag[] | null;
  /** In the last DEAD_LETTER_WINDOW_HOURS. */
  deadLetters: { number: number; records: number } | null;
  figures: {
    /** Start of the last run in which every tenant succeeded; null before the first. */
    lastSuccessAt: number | null;
    /** Start of the last run after which no figure of the meter was left out; null before the first. */
    meters: readonly { meter: Meter; freshAt: number | null }[];
  } | null;
  ledger: { partitions: number; unbalanced: readonly { topic: string; partition: number }[] } | null;
  expiry: readonly TopicExpiry[] | null;
  /** Statements that could be issued and are not; the oldest one's month, and the first day on which it could be. */
  statements: { missing: number; oldestMonth: Month | null; dueSince: Day | null } | null;
}

export type Observation = TenantObservation | OperatorObservation;
