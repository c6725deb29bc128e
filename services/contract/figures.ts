/**
 * What the api answers about interactions, engaged people, tenants, conflicts and the ledger.
 */
import { recordById } from '@tally/metering/counts';
import { z } from 'zod';

const counts = recordById(z.number());
const asOf = z.object({ computedAt: z.string(), positions: z.record(z.string(), z.number()) });

export const interactionsAnswer = z.object({
  months: z.array(z.object({ month: z.string(), total: z.number(), byChannel: counts, byEnvironment: counts })),
  policy: z.string(),
  asOf,
});
export const engagedAnswer = z.object({
  day: z.string(),
  total: z.number(),
  byEnvironment: counts,
  byEntityType: counts,
  policy: z.string(),
  asOf,
});
export const curveAnswer = z.object({
  days: z.array(z.object({ day: z.string(), total: z.number() })),
  policy: z.string(),
  asOf,
});
export const tenantsAnswer = z.object({ tenants: z.array(z.object({ tenantId: z.string() })), asOf });
const logPlace = z.object({ position: z.string(), topic: z.string(), partition: z.number(), offset: z.number() });
const content = z.object({
  occurredAt: z.string(),
  channel: z.string(),
  direction: z.string(),
  journeyId: z.string().nullable().optional(),
  provider: z.string().nullable().optional(),
});
export const conflictsAnswer = z.object({
  conflicts: z.array(
    z.object({
      environmentId: z.string(),
      entityType: z.string(),
      entityId: z.string(),
      eventId: z.string(),
      first: z.object({ outcome: z.enum(['counted', 'suppressed']), log: logPlace, content }).nullable(),
      again: z.object({ log: logPlace, content }),
      differs: z.array(z.string()),
    }),
  ),
  next: z.string().nullable(),
  asOf,
});
export const ledgerAnswer = z.object({
  balanced: z.boolean(),
  lag: z.number(),
  partitions: z.array(
    z.object({
      topic: z.string(),
      epoch: z.number(),
      partition: z.number(),
      closed: z.boolean(),
      start: z.number(),
      committed: z.number(),
      end: z.number(),
      counted: z.number(),
      duplicate: z.number(),
      conflicting: z.number(),
      void: z.number(),
      suppressed: z.number(),
      deadLetter: z.number(),
      control: z.number(),
      balanced: z.boolean(),
    }),
  ),
  asOf,
});

export type LedgerAnswer = z.infer<typeof ledgerAnswer>;
export type ConflictsAnswer = z.infer<typeof conflictsAnswer>;
export type InteractionsAnswer = z.infer<typeof interactionsAnswer>;
export type EngagedAnswer = z.infer<typeof engagedAnswer>;
export type CurveAnswer = z.infer<typeof curveAnswer>;
