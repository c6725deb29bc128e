/**
 * What a statement says: a tenant's usage and quota of one month, as they were known when it was issued, with what is
 * needed to find every event behind it. Once issued it never changes. (Rules: "Statements".)
 */
import { recordById } from '@tally/metering/counts';
import { z } from 'zod';

const day = z.string();
const month = z.string();
/** Milliseconds since 1970-01-01 are nowhere in a statement: people read it. ISO 8601, UTC. */
const moment = z.string();
const counts = recordById(z.number());

/** Used against owned. */
const quota = z.object({
  owned: z.number(),
  used: z.number(),
  remaining: z.number(),
  /** What was used beyond what was owned. */
  overage: z.number(),
  /** Used of owned, 1 for all of it; null where nothing was owned. */
  share: z.number().nullable(),
});

/** A day's figure against what was owned on it. */
const dayQuota = z.object({ day, ...quota.shape });

const peakOfDays = z.object({
  peak: z.number(),
  peakDay: day.nullable(),
  shortfall: z.number(),
  shortfallDay: day.nullable(),
});

/** Up to where the logs were counted; nothing behind it is in the statement, everything before it is. */
const bounds = z.object({
  /** `topic/partition` → the offset after the last one that was counted. */
  positions: z.record(z.string(), z.number()),
  /** Topic → its epoch; all of an earlier epoch was counted. */
  epochs: z.record(z.string(), z.number()),
});

/** Figures of a month that a later statement may have to adjust. */
export const ADJUSTED_FIGURES = [
  'interactions',
  'engagedPeople',
  'engagedPeoplePeak',
  'unifiedPeople',
  'unifiedPeoplePeak',
] as const;

const adjustment = z.object({
  /** An earlier month that has a statement. */
  month,
  figure: z.enum(ADJUSTED_FIGURES),
  /** What all statements before this one add up to. */
  stated: z.number(),
  /** What is known now. */
  known: z.number(),
  /** Known minus stated; below 0 where usage was taken back. */
  difference: z.number(),
});

/** A month of the chart: as it is known at the time of the statement, adjustments included. */
const monthOfYear = z.object({
  month,
  interactions: z.object({ used: z.number(), owned: z.number() }),
  /** On the month's day with the highest figure. */
  engagedPeople: z.object({ used: z.number(), owned: z.number() }),
  unifiedPeople: z.object({ used: z.number(), owned: z.number() }),
});

export const statementContent = z.object({
  format: z.literal(1),
  tenantId: z.string(),
  month,
  /** 1, 2, … in the order in which the tenant's statements were issued. */
  number: z.number(),
  issuedAt: moment,
  issuedBy: z.string(),
  period: z.object({ firstDay: day, lastDay: day }),
  /** How the counting policies of the days behind the figures are called. */
  policy: z.string(),
  interactions: z.object({
    ...quota.shape,
    /** The first day with the most interactions; null where there were none. */
    peakDay: z.object({ day, used: z.number() }).nullable(),
    byChannel: counts,
    byEnvironment: counts,
  }),
  /** On the month's last day. */
  engagedPeople: z.object({
    ...dayQuota.shape,
    byEnvironment: counts,
    byEntityType: counts,
    /** The first day with the highest figure. */
    peak: dayQuota,
    /** The first day on which most was missing; null where nothing was. */
    worst: dayQuota.nullable(),
  }),
  /** On the month's last day, as published then. */
  unifiedPeople: z.object({
    ...dayQuota.shape,
    /** Whether a figure was ever published up to the day; without one nothing seems used. */
    known: z.boolean(),
    byEnvironment: counts,
    peak: dayQuota,
    worst: dayQuota.nullable(),
  }),
  /** The licence year so far, up to the month's end; null for a tenant without a licence. */
  licenceYear: z
    .object({
      from: day,
      /** The first day after it. */
      until: day,
      engagedPeople: peakOfDays,
      interactions: z.object({
        peak: z.number(),
        peakMonth: month.nullable(),
        shortfallPeople: z.number(),
        shortfallMonth: month.nullable(),
      }),
      unifiedPeople: peakOfDays,
      peopleToBuy: z.number(),
      unifiedPeopleToBuy: z.number(),
    })
    .nullable(),
  adjustments: z.array(adjustment),
  /** The month and the eleven before it, ascending. */
  year: z.array(monthOfYear),
  /** Lines on record at the time that grant, or granted, in the month. */
  licences: z.array(
    z.object({
      sku: z.string(),
      quantity: z.number(),
      packSize: z.number().optional(),
      startsOn: day,
      endsOn: day.nullable(),
    }),
  ),
  /** Environments with usage, registered or not. */
  environments: z.array(
    z.object({
      id: z.string(),
      registered: z.boolean(),
      name: z.string().optional(),
      type: z.string().optional(),
      geo: z.string().optional(),
    }),
  ),
  evidence: z.object({
    ...bounds.shape,
    /** Version of the licences; null where none was ever recorded. */
    licenceVersion: z.string().nullable(),
    catalogueVersion: z.number(),
    /** Dated decisions on what counts, as on record then. */
    policies: z.array(z.object({ from: day, policy: z.string() })),
    /** When the unified figures of the last and of the peak day were published, and where the logs were read to by then. */
    unified: z.array(z.object({ day, publishedAt: moment, positions: z.record(z.string(), z.number()) })),
  }),
  /** Digest of the tenant's statement before this one; null for the first. */
  previousDigest: z.string().nullable(),
});

/** The statement, with `digest`: `sha256:` and the SHA-256 of the RFC 8785 form of everything else, in hexadecimal. */
export const statementDocument = statementContent.extend({ digest: z.string() });

export type StatementContent = z.infer<typeof statementContent>;
export type Statement = z.infer<typeof statementDocument>;
export type Adjustment = Statement['adjustments'][number];
export type AdjustedFigure = (typeof ADJUSTED_FIGURES)[number];
export type StatementBounds = z.infer<typeof bounds>;
