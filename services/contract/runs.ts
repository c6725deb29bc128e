/**
 * What the api answers about runs of the aggregator and what they published.
 */
import { recordById } from '@tally/metering/counts';
import { z } from 'zod';

const positions = z.record(z.string(), z.number());
const counts = recordById(z.number());

/** Of what a published figure is made up: by channel, by type of entity, or of records that were joined. */
const breakdown = z.union([
  z.object({ byChannel: counts, byEnvironment: counts }),
  z.object({ byEnvironment: counts, byEntityType: counts }),
  z.object({
    byEnvironment: counts,
    recordsByEnvironment: counts,
    rules: z.object({ kinds: z.array(z.string()).nullable(), limit: z.number() }).optional(),
    notJoining: z
      .array(z.object({ kind: z.string(), identifier: z.string(), records: z.number(), environmentId: z.string() }))
      .optional(),
    notJoiningOmitted: counts.optional(),
  }),
]);

export const runsAnswer = z.object({
  runs: z.array(
    z.object({
      runId: z.string(),
      job: z.string(),
      cause: z.string(),
      dueAt: z.string(),
      startedAt: z.string(),
      finishedAt: z.string(),
      durationMs: z.number(),
      day: z.string(),
      scope: z.string(),
      outcome: z.string(),
      tenants: z.number(),
      failed: z.array(z.string()),
      error: z.string(),
      published: z.number(),
      waiting: z.number(),
      process: z.string(),
      positions,
      epochs: z.record(z.string(), z.number()),
    }),
  ),
});

export const publishedAnswer = z.object({
  meter: z.string(),
  period: z.string(),
  published: z.array(
    z.object({
      computedAt: z.string(),
      total: z.number(),
      breakdown,
      policy: z.string().nullable(),
      runId: z.string(),
      positions,
    }),
  ),
  complete: z.boolean(),
  asOf: z.object({ computedAt: z.string(), positions }).nullable(),
});

export type RunsAnswer = z.infer<typeof runsAnswer>;
export type PublishedAnswer = z.infer<typeof publishedAnswer>;
