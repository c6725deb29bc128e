/**
 * The shapes of the api's answers about unified people.
 */
import { recordById } from '@tally/metering/counts';
import { z } from 'zod';

const counts = recordById(z.number());
const asOf = z.object({ computedAt: z.string(), positions: z.record(z.string(), z.number()) }).nullable();
const rules = z.object({ kinds: z.array(z.string()).nullable(), limit: z.number() });
const shared = z.object({ kind: z.string(), identifier: z.string(), records: z.number() });
const sourceRecord = z.object({ source: z.string(), recordId: z.string() });

export const unifiedAnswer = z.object({
  total: z.number(),
  byEnvironment: counts,
  records: z.number(),
  notJoining: z.array(shared.extend({ environmentId: z.string() })),
  notJoiningOmitted: z.number(),
  rules: rules.nullable(),
  asOf,
});

export const unifiedHistoryAnswer = z.object({
  days: z.array(z.object({ day: z.string(), total: z.number(), byEnvironment: counts })),
  asOf,
});

export const unificationRulesAnswer = rules.extend({
  changes: z.array(rules.extend({ setAt: z.string(), by: z.string(), because: z.string() })),
});

export const explanationAnswer = z.object({
  environmentId: z.string(),
  records: z.array(
    sourceRecord.extend({
      joinedBy: z.object({ kind: z.string(), identifier: z.string(), to: sourceRecord }).nullable(),
    }),
  ),
  identifiers: z.array(shared),
  notJoining: z.array(shared.extend({ because: z.enum(['limit', 'kind']) })),
  rules,
  cut: z.enum(['records', 'time']).nullable(),
});

export type UnifiedAnswer = z.infer<typeof unifiedAnswer>;
export type UnifiedHistoryAnswer = z.infer<typeof unifiedHistoryAnswer>;
export type UnificationRulesAnswer = z.infer<typeof unificationRulesAnswer>;
export type ExplanationAnswer = z.infer<typeof explanationAnswer>;
