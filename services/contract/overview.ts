/**
 * What the api answers about all tenants at a glance, and about what can be licensed.
 */
import { z } from 'zod';

const quota = z.object({
  owned: z.number(),
  used: z.number(),
  remaining: z.number(),
  overage: z.number(),
  share: z.number().nullable(),
  reachedOn: z.string().nullable(),
});

/** `months` are twelve, the last of which is not over; `alerts` counts open ones. */
export const overviewAnswer = z.object({
  tenants: z.array(
    z.object({
      tenantId: z.string(),
      engagedPeople: quota,
      interactions: quota.extend({ month: z.string(), projected: z.number().nullable() }),
      unifiedPeople: quota.extend({ known: z.boolean() }),
      months: z.array(z.object({ month: z.string(), total: z.number() })),
      alerts: z.object({ critical: z.number(), warning: z.number(), info: z.number() }),
      peopleToBuy: z.number().nullable(),
    }),
  ),
  computedAt: z.string(),
});

/** Of a unit; `pack`: as many as the licence line says. */
const people = z.union([z.number(), z.literal('pack')]);

export const catalogueAnswer = z.object({
  version: z.number(),
  products: z.array(
    z.object({
      sku: z.string(),
      title: z.string(),
      legacy: z.boolean(),
      trial: z.boolean(),
      pack: z.enum(['required', 'optional', 'none']),
      engagedPeople: people,
      unifiedPeople: people,
      activeContacts: z.boolean(),
      sendingBurst: z.boolean(),
      dataverseBase: z.boolean(),
      dataverseAddOnUnits: z.number(),
      outboundInstallations: z.union([z.object({ perUnit: z.number() }), z.object({ inAll: z.number() })]),
      offered: z.object({ meter: z.enum(['engaged', 'unified']), packSize: z.number() }).optional(),
    }),
  ),
});

export type OverviewAnswer = z.infer<typeof overviewAnswer>;
