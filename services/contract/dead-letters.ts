/**
 * What the api answers about what could not count.
 */
import { z } from 'zod';

/** `newest` are the newest ones, newest first; reasons have the most open ones first. */
export const deadLettersAnswer = z.object({
  total: z.number(),
  open: z.number(),
  byReason: z.array(
    z.object({
      reason: z.string(),
      open: z.number(),
      retried: z.number(),
      discarded: z.number(),
      newestAt: z.string(),
    }),
  ),
  newest: z.array(
    z.object({
      origin: z.string(),
      topic: z.string(),
      partition: z.number(),
      offset: z.number(),
      reason: z.string(),
      detail: z.string(),
      service: z.string(),
      state: z.enum(['open', 'retried', 'discarded']),
      at: z.string(),
    }),
  ),
  computedAt: z.string(),
});

export type DeadLettersAnswer = z.infer<typeof deadLettersAnswer>;
