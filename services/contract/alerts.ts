/**
 * What the api answers about alerts.
 */
import { alertChange } from '@tally/alerts';
import { z } from 'zod';

const delivery = z.object({
  target: z.string(),
  attempt: z.number(),
  at: z.string(),
  outcome: z.string(),
  status: z.number(),
  detail: z.string(),
  nextAttemptAt: z.string().nullable(),
});

const listedChange = z.object({
  id: z.string(),
  change: z.string(),
  at: z.string(),
  severity: z.string(),
  title: z.string(),
  told: z.boolean(),
  deliveries: z.array(delivery),
});

export const alertsAnswer = z.object({
  alerts: z.array(
    z.object({
      ...alertChange.shape.alert.shape,
      acknowledgements: z.array(z.object({ by: z.string(), at: z.string(), reason: z.string() })),
      changes: z.array(listedChange),
    }),
  ),
  silences: z.array(
    z.object({
      id: z.string(),
      tenantId: z.string().nullable(),
      rule: z.string().nullable(),
      subject: z.string().nullable(),
      from: z.string(),
      until: z.string(),
      by: z.string(),
      reason: z.string(),
    }),
  ),
  next: z.string().nullable(),
});

export const acknowledgementAnswer = z.object({ alertId: z.string(), severity: z.string(), at: z.string() });
export const silenceAnswer = z.object({ id: z.string(), from: z.string(), until: z.string() });

const version = z.object({ id: z.string(), at: z.string(), by: z.string(), because: z.string() }).nullable();

export const rulesAnswer = z.object({
  rules: z.array(
    z.looseObject({
      name: z.string(),
      title: z.string(),
      levels: z.record(z.string(), z.number().optional()),
      hysteresis: z.number(),
    }),
  ),
  own: z.array(z.looseObject({ name: z.string() })),
  version,
});

export const dryRunAnswer = z.object({ from: z.string(), to: z.string(), changes: z.array(alertChange) });

export const targetsAnswer = z.object({
  targets: z.array(
    z.looseObject({
      id: z.string(),
      kind: z.string(),
      address: z.string(),
      tenants: z.array(z.string()),
      operators: z.boolean(),
      lowestSeverity: z.string(),
      perMinute: z.number(),
      enabled: z.boolean(),
    }),
  ),
  version,
});

export const testAnswer = z.object({ changeId: z.string() });
export const deliveriesAnswer = z.object({ deliveries: z.array(delivery) });

export type AlertsAnswer = z.infer<typeof alertsAnswer>;
export type RulesAnswer = z.infer<typeof rulesAnswer>;
export type DryRunAnswer = z.infer<typeof dryRunAnswer>;
export type TargetsAnswer = z.infer<typeof targetsAnswer>;
export type DeliveriesAnswer = z.infer<typeof deliveriesAnswer>;
