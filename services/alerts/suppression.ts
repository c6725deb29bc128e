/**
 * What people have said about alerts: that they know of one, or that they want to hear nothing for a while. Neither changes
 * an alert, only whether its changes are told. (Rules: "Alerts".)
 */
import { z } from 'zod';
import { type AlertChange, SEVERITIES } from './alert.ts';
import { rankOf } from './levels.ts';

const REASON_LENGTH_MAX = 1_000;

/** ISO 8601 in UTC to the millisecond, so that moments compare as text. */
const moment = z.iso.datetime({ precision: 3 });
const because = { by: z.string().min(1).max(200), reason: z.string().trim().min(1).max(REASON_LENGTH_MAX) };

/** Somebody knows of an alert: it is told again only when it gets worse than he knew it, or resolves. */
export const acknowledgement = z.strictObject({
  alertId: z.string().min(1),
  /** The alert's when it was acknowledged. */
  severity: z.enum(SEVERITIES),
  at: moment,
  /** It does not hold from then on; null: until the alert resolves. */
  until: moment.nullable(),
  ...because,
});

/** Nothing of what it matches is told from `from` until `until`, which is exclusive: for work that is planned. */
export const silence = z
  .strictObject({
    /** Null: the operators'. */
    tenantId: z.string().nullable(),
    /** Null: all rules. */
    rule: z.string().nullable(),
    /** Null: all subjects. */
    subject: z.string().nullable(),
    from: moment,
    until: moment,
    ...because,
  })
  .refine(({ from, until }) => until > from, { path: ['until'], message: 'must be after from' });

export type Acknowledgement = z.infer<typeof acknowledgement>;
export type Silence = z.infer<typeof silence>;

export interface Suppressions {
  acks: readonly Acknowledgement[];
  silences: readonly Silence[];
  /** Milliseconds since 1970-01-01 UTC. */
  now: number;
}

/**
 * Whether a change is told now. Where it says no because of a silence, the answer may become yes when the silence ends: see
 * tellable.
 *
 * An acknowledgement keeps back what is no worse than what was acknowledged, until the alert resolves: one that crosses
 * again afterwards is told. Its resolve is told. A silence keeps back everything, except that an alert resolves which was
 * opened, and told, before it: whoever has it on a list of open ones may close it.
 */
export function isTold(change: AlertChange, { acks, silences, now }: Suppressions): boolean {
  const at = new Date(now).toISOString();
  if (silences.some((one) => one.from <= at && at < one.until && isSilenced(change, one))) return false;
  return !acks.some((one) => (one.until === null || at < one.until) && isAcknowledged(change, one));
}

/**
 * Of the newest change of each alert, what is to be told now: not told yet, and kept back by nothing any more. A resolve
 * is left out where nothing of its alert was ever told. So an alert that opened in a silence and outlasts it is told when
 * it ends, as it is then.
 */
export function tellable(
  newest: readonly { change: AlertChange; told: boolean; everTold: boolean }[],
  suppressions: Suppressions,
): AlertChange[] {
  return newest
    .filter(({ told, everTold, change }) => !told && (everTold || change.change !== 'resolved'))
    .map(({ change }) => change)
    .filter((change) => isTold(change, suppressions));
}

function isSilenced({ change, alert }: AlertChange, { tenantId, rule, subject, from }: Silence): boolean {
  const matches =
    alert.tenantId === tenantId &&
    (rule === null || rule === alert.rule) &&
    (subject === null || subject === alert.subject);
  return matches && !(change === 'resolved' && alert.openedAt < from);
}

function isAcknowledged({ change, alert }: AlertChange, { alertId, severity, at }: Acknowledgement): boolean {
  if (alert.id !== alertId || change === 'resolved') return false;
  const resolvedSince = alert.resolvedAt !== null && alert.resolvedAt >= at;
  return !resolvedSince && rankOf(alert.severity) <= rankOf(severity);
}
