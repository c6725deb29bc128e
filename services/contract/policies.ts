/**
 * What the api answers about counting policies.
 */
import { z } from 'zod';

const starts = z.array(z.object({ from: z.string().nullable(), policy: z.string() }));

export const policiesAnswer = z.object({
  policies: starts,
  decisions: z.array(z.object({ at: z.string(), by: z.string(), because: z.string(), policies: starts })),
  known: z.array(z.object({ name: z.string(), directions: z.array(z.string()), channels: z.array(z.string()) })),
  default: z.string(),
});

export type PoliciesAnswer = z.infer<typeof policiesAnswer>;
export type PolicyStartAnswer = PoliciesAnswer['policies'][number];
