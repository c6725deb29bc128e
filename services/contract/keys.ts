/**
 * What the api answers about keys.
 */
import { z } from 'zod';

const key = z.object({
  id: z.string(),
  name: z.string(),
  role: z.string(),
  tenants: z.array(z.string()),
  createdAt: z.string(),
  createdBy: z.string(),
  expiresAt: z.string().nullable(),
  revokedAt: z.string().nullable(),
  revokedBy: z.string(),
});

/** The key itself is told this once. */
export const madeKeyAnswer = z.object({ ...key.shape, key: z.string() });
export const keysAnswer = z.object({ keys: z.array(z.object({ ...key.shape, lastUsedAt: z.string().nullable() })) });

export type KeysAnswer = z.infer<typeof keysAnswer>;
