/**
 * An alert: something a tenant or an operator must know in time, told once. (Rules: "Alerts".)
 */
import { z } from 'zod';

/** Ascending. */
export const SEVERITIES = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What happened to an alert; each is told once to every target that wants it. */
export const ALERT_CHANGES = ['opened', 'raised', 'lowered', 'resolved'] as const;
export type AlertChangeKind = (typeof ALERT_CHANGES)[number];

/** An alert after a change, as the topic `tally.alerts.v1`, webhooks and the api have it. */
export const alertChange = z.object({
  /** Of this change: the same however often it is told. */
  id: z.string(),
  change: z.enum(ALERT_CHANGES),
  /** ISO 8601, UTC. */
  at: z.string(),
  alert: z.object({
    /** The same for every change of the alert: made from tenant, rule and period. */
    id: z.string(),
    /** Null for what concerns operators. */
    tenantId: z.string().nullable(),
    /** Name of the rule. */
    rule: z.string(),
    /** What it is about: a meter, or a part of the pipeline. */
    subject: z.string(),
    /** What the alert is opened once for: a month `2026-11`, a day `2026-11-22`, or a licence year by its first day. */
    period: z.string(),
    state: z.enum(['open', 'resolved']),
    severity: z.enum(SEVERITIES),
    /** The highest it ever had. */
    highestSeverity: z.enum(SEVERITIES),
    openedAt: z.string(),
    /** When it was last resolved, null before; one that is open again keeps it. */
    resolvedAt: z.string().nullable(),
    /** The figure that decided it, and what it was held against, in the unit named. */
    value: z.number(),
    threshold: z.number(),
    unit: z.string(),
    /** One line for a person. */
    title: z.string(),
    /** What is behind it and what can be done, for a person. */
    detail: z.string(),
    /** Figures behind it, by name. */
    figures: z.record(z.string(), z.union([z.number(), z.string(), z.null()])),
  }),
});

export type AlertChange = z.infer<typeof alertChange>;
export type Alert = AlertChange['alert'];
