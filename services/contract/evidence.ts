/**
 * What the api says of how a statement's figure is made.
 */
import { recordById } from '@tally/metering/counts';
import { z } from 'zod';

const counts = recordById(z.number());

export const statementExplanation = z.object({
  tenantId: z.string(),
  month: z.string(),
  figure: z.string(),
  narrowedTo: z.object({
    environment: z.string().optional(),
    channel: z.string().optional(),
    day: z.string().optional(),
  }),
  stated: z.number().nullable(),
  counted: z.number().nullable(),
  addsUp: z.boolean(),
  notKept: z.object({ code: z.string(), detail: z.string() }).nullable(),
  rule: z.string(),
  days: z.object({ first: z.string(), last: z.string() }),
  policies: z.array(
    z.object({
      first: z.string(),
      last: z.string(),
      policy: z.string(),
      directions: z.array(z.string()),
      channels: z.array(z.string()),
    }),
  ),
  by: z.object({
    environment: counts.optional(),
    channel: counts.optional(),
    day: counts.optional(),
    entityType: counts.optional(),
    lastInteractionMonth: counts.optional(),
  }),
  rows: z.number().nullable(),
  interactions: z.number().nullable(),
  voided: z.number().nullable(),
  late: z.object({ interactions: z.number(), since: z.string() }).nullable(),
  bounds: z.object({ positions: counts, epochs: counts }),
  published: z
    .object({
      at: z.string(),
      rules: z.object({ kinds: z.array(z.string()).nullable(), limit: z.number() }),
      readUpTo: recordById(z.array(z.string())),
    })
    .nullable(),
});

const ofEntity = { tenantId: z.string(), environmentId: z.string(), entityType: z.string(), entityId: z.string() };

/** Places are `topic/partition/offset@epoch`. */
const interactionRow = z.object({
  ...ofEntity,
  eventId: z.string(),
  occurredAt: z.string(),
  channel: z.string(),
  direction: z.string(),
  journeyId: z.string(),
  provider: z.string(),
  log: z.string(),
});
const engagedRow = z.object({
  ...ofEntity,
  firstInteractionAt: z.string(),
  lastInteractionAt: z.string(),
  interactions: z.number(),
  lastLog: z.string(),
});
const unifiedRow = z.object({
  tenantId: z.string(),
  environmentId: z.string(),
  source: z.string(),
  recordId: z.string(),
  changedAt: z.string(),
  log: z.string(),
  personLog: z.string(),
});

/** Rows of one kind, as the figure is; `next` is the next page's `after`. */
export const statementRowsAnswer = z.object({
  columns: z.array(z.string()),
  rows: z.array(z.union([interactionRow, engagedRow, unifiedRow])),
  next: z.string().nullable(),
});

export type StatementExplanation = z.infer<typeof statementExplanation>;

export interface EvidenceQuery {
  figure: string;
  environment?: string | undefined;
  channel?: string | undefined;
  day?: string | undefined;
}
