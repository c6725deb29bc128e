/**
 * The shapes of the api's answers about licences, environments, quotas and true-up.
 */
import { z } from 'zod';

const asOf = z.object({ computedAt: z.string(), positions: z.record(z.string(), z.number()) });

const line = z.object({
  sku: z.string(),
  quantity: z.number(),
  packSize: z.number().optional(),
  startsOn: z.string(),
  endsOn: z.string().nullable(),
});
const environment = z.object({
  id: z.string(),
  name: z.string(),
  type: z.string(),
  geo: z.string(),
  startsOn: z.string(),
  endsOn: z.string().nullable(),
});
const version = z.object({ id: z.string(), at: z.string(), by: z.string(), because: z.string() });

export const licencesAnswer = z.object({
  licences: z.array(line),
  version: version.nullable(),
  catalogueVersion: z.number(),
  history: z.array(version.extend({ licences: z.array(line) })).optional(),
});

export const environmentsAnswer = z.object({
  environments: z.array(environment),
  unregistered: z.array(z.string()),
  version: version.nullable(),
  history: z.array(version.extend({ environments: z.array(environment) })).optional(),
});

const quota = z.object({
  owned: z.number(),
  used: z.number(),
  remaining: z.number(),
  overage: z.number(),
  share: z.number().nullable(),
  reachedOn: z.string().nullable(),
});
const beside = z.object({ used: z.number(), others: z.number() });

export const quotaAnswer = z.object({
  on: z.string(),
  engagedPeople: quota,
  interactions: quota.extend({ month: z.string(), projected: z.number().nullable() }),
  unifiedPeople: quota.extend({ known: z.boolean(), asOf: asOf.nullable() }),
  dataverse: z.object({ base: z.number(), addOnUnits: z.number() }),
  emailPerHour: z.union([z.number(), z.literal('standard')]),
  outboundMarketingInstalls: z.number(),
  environments: z.array(
    environment.partial().extend({
      id: z.string(),
      registered: z.boolean(),
      engagedPeople: beside,
      interactions: beside,
      unifiedPeople: beside,
    }),
  ),
  trials: z.array(line.extend({ state: z.enum(['to-come', 'running', 'ended']) })),
  policy: z.string(),
  catalogueVersion: z.number(),
  asOf,
});

const packs = z.array(z.object({ sku: z.string(), packSize: z.number(), quantity: z.number() }));
const peakOfDays = z.object({
  peak: z.number(),
  peakDay: z.string().nullable(),
  shortfall: z.number(),
  shortfallDay: z.string().nullable(),
});

export const trueUpAnswer = z.object({
  licenceYear: z.object({ from: z.string(), until: z.string(), lookedAtUpTo: z.string().nullable() }),
  engaged: peakOfDays,
  interactions: z.object({
    peak: z.number(),
    peakMonth: z.string().nullable(),
    shortfallPeople: z.number(),
    shortfallMonth: z.string().nullable(),
  }),
  unified: peakOfDays,
  peopleToBuy: z.number(),
  packs,
  packsSurplus: z.number(),
  unifiedPeopleToBuy: z.number(),
  unifiedPacks: packs,
  unifiedPacksSurplus: z.number(),
  policy: z.string(),
  catalogueVersion: z.number(),
  asOf,
});

/** Of an answer that refuses lines. */
export const faultsAnswer = z.object({
  faults: z.array(z.object({ line: z.number(), field: z.string(), message: z.string() })),
});

export type LicencesAnswer = z.infer<typeof licencesAnswer>;
export type EnvironmentsAnswer = z.infer<typeof environmentsAnswer>;
export type QuotaAnswer = z.infer<typeof quotaAnswer>;
export type TrueUpAnswer = z.infer<typeof trueUpAnswer>;
export type VersionAnswer = z.infer<typeof version>;
export type FaultsAnswer = z.infer<typeof faultsAnswer>;
