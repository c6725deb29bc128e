/**
 * What the api answers about sessions and about who did what.
 */
import { z } from 'zod';

/** `tenants` is null for all; `expiresAt` for a key that lasts until it is revoked. */
export const sessionAnswer = z.object({
  role: z.enum(['admin', 'analyst', 'viewer', 'producer']),
  tenants: z.array(z.string()).nullable(),
  name: z.string(),
  expiresAt: z.string().nullable(),
});

/** `id` is the record's own, `requestId` what the answer was called; `address` is where a log-in came from. `status` is 0 where the service ended before it answered. */
export const auditAnswer = z.object({
  records: z.array(
    z.object({
      at: z.string(),
      id: z.string(),
      requestId: z.string(),
      method: z.string(),
      route: z.string(),
      path: z.string(),
      tenantId: z.string(),
      who: z.string(),
      keyId: z.string(),
      role: z.string(),
      via: z.string(),
      address: z.string(),
      status: z.number(),
    }),
  ),
  next: z.string().nullable(),
});

/** Every refusal and fault, as RFC 9457 has it; decide by `code`. */
export const problemAnswer = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  detail: z.string(),
  code: z.string(),
  requestId: z.string().optional(),
});
