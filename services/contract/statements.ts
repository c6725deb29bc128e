/**
 * What the api answers about statements, beside the statements themselves.
 */
import { z } from 'zod';

const used = z.object({ owned: z.number(), used: z.number(), overage: z.number() });
const usedOn = z.object({ day: z.string(), ...used.shape });

export const statementsAnswer = z.object({
  statements: z.array(
    z.object({
      month: z.string(),
      number: z.number(),
      issuedAt: z.string(),
      issuedBy: z.string(),
      interactions: used,
      engagedPeoplePeak: usedOn,
      unifiedPeoplePeak: usedOn,
      peopleToBuy: z.number().nullable(),
      unifiedPeopleToBuy: z.number().nullable(),
      adjustments: z.number(),
      digest: z.string(),
      previousDigest: z.string().nullable(),
    }),
  ),
});

export const verificationAnswer = z.object({
  statements: z.number(),
  inTopic: z.number(),
  faults: z.array(z.object({ tenantId: z.string(), number: z.number(), month: z.string(), fault: z.string() })),
});

export type StatementsAnswer = z.infer<typeof statementsAnswer>;
export type VerificationAnswer = z.infer<typeof verificationAnswer>;
