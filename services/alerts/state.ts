/**
 * From findings to changes of alerts: what is to be stored and told. It is a function of the alerts as they are stored, so
 * whoever decides and dies before storing decides again, under the same ids. (Rules: "Alerts".)
 *
 * - An alert opens once for a tenant, rule, subject and period, straight at its severity. One that is resolved and crosses
 *   again in its period is `raised`: the same alert, open again. It was told that all is well, so it is told that it is not.
 * - After CHANGES_UNTIL_HELD changes an alert only gets worse until its period is over: whoever has been told so often knows.
 * - When its period is over, or its rule is off, an alert resolves, and says why: whoever keeps a list of what is open
 *   closes it there.
 * - What has no finding stays as it is: it could not be observed. So does what has changed since the observation: somebody
 *   slower, or with a slower clock, does not take back what was told.
 */
import { createHash } from 'node:crypto';
import type { Alert, AlertChange, AlertChangeKind, Severity } from './alert.ts';
import type { Finding } from './finding.ts';
import { rankOf, severityOf, thresholdOf } from './levels.ts';
import type { Rule } from './rules.ts';

/** An alert as it is stored: after its newest change. */
export interface AlertState {
  alert: Alert;
  /** Number of its changes. */
  sequence: number;
}

/** From so many changes on, an alert does not get better before its period is over. */
export const CHANGES_UNTIL_HELD = 12;

const ID_HEX_DIGITS = 32;

/** The same for all changes of an alert. */
export function alertIdOf(key: Pick<Alert, 'tenantId' | 'rule' | 'subject' | 'period'>): string {
  const { tenantId, rule, subject, period } = key;
  const digest = createHash('sha256').update(JSON.stringify([tenantId, rule, subject, period]));
  return digest.digest('hex').slice(0, ID_HEX_DIGITS);
}

/** From 1: the how-manieth change of its alert it is. */
export function sequenceOf({ id }: Pick<AlertChange, 'id'>): number {
  return Number(id.slice(id.lastIndexOf('-') + 1));
}

/** The alerts after changes, in any order and however often each is there; `known` as they were before. */
export function alertStates(changes: readonly AlertChange[], known: readonly AlertState[] = []): AlertState[] {
  const states = new Map(known.map((state) => [state.alert.id, state]));
  for (const change of changes) {
    const sequence = sequenceOf(change);
    if (sequence > (states.get(change.alert.id)?.sequence ?? 0)) {
      states.set(change.alert.id, { alert: change.alert, sequence });
    }
  }
  return [...states.values()];
}

/**
 * The changes that findings make.
 * @param known alerts of one tenant, or of the operators: all that are open, and the resolved ones of periods that are not
 *   over; without those, one would open twice
 * @param findings of the same tenant, or of the operators; at most one for a rule, subject and period
 * @param now milliseconds since 1970-01-01 UTC
 * @param rules those in force; alerts of others resolve
 */
export function nextChanges(
  known: readonly AlertState[],
  findings: readonly Finding[],
  { now, rules }: { now: number; rules: readonly Rule[] },
): AlertChange[] {
  const at = new Date(now).toISOString();
  const inForce = new Set(rules.map(({ name }) => name));
  const ahead = new Set(known.filter(({ alert }) => isAfter(alert, at)).map(({ alert }) => subjectOf(alert)));
  const off = openOf(known).filter(({ alert }) => !inForce.has(alert.rule) && !ahead.has(subjectOf(alert)));
  const changes = off.map((state) => ended(state, at, 'The rule was switched off.'));
  const looked = findings.filter((finding) => inForce.has(finding.rule) && !ahead.has(subjectOf(finding)));
  for (const [subject, together] of Map.groupBy(looked, subjectOf)) {
    const open = openOf(known).filter(({ alert }) => subjectOf(alert) === subject);
    const targets = together.map((finding) => ({ finding, state: targetOf(finding, open, known) }));
    const goesOn = new Set(targets.map(({ state }) => state?.alert.id));
    for (const state of open) if (!goesOn.has(state.alert.id)) changes.push(ended(state, at, isOver(state.alert)));
    for (const { finding, state } of targets) {
      const change = nextChange(state, finding, at);
      if (change) changes.push(change);
    }
  }
  return changes;
}

/** The alert that a finding is about: the open one that lasts, or the one of its period, open or not. */
function targetOf(finding: Finding, open: readonly AlertState[], known: readonly AlertState[]): AlertState | undefined {
  const id = alertIdOf(finding);
  const own = known.find(({ alert }) => alert.id === id);
  if (!finding.lasting || own?.alert.state === 'open') return own;
  const newest = [...open].sort((a, b) => (a.alert.period < b.alert.period ? 1 : -1))[0];
  return newest ?? own;
}

function nextChange(state: AlertState | undefined, finding: Finding, at: string): AlertChange | undefined {
  const held = state?.alert.state === 'open' ? state.alert.severity : null;
  const severity = severityOf(finding.ladder, finding.value, held);
  if (severity === held) return undefined;
  const better = rankOf(severity) < rankOf(held);
  if (better ? state && isHeld(state, finding) : finding.onlyBetter) return undefined;
  if (!state) return severity === null ? undefined : changeOf('opened', opened(finding, severity, at), 1, at);
  const kind = severity === null ? 'resolved' : better ? 'lowered' : 'raised';
  return changeOf(kind, moved(state.alert, finding, severity, at), state.sequence + 1, at);
}

/** Told so often that it stays until its period is over; a lasting one, until a later day. */
function isHeld({ alert, sequence }: AlertState, { period }: Finding): boolean {
  return sequence >= CHANGES_UNTIL_HELD && alert.period === period;
}

function opened(finding: Finding, severity: Severity, at: string): Alert {
  const { tenantId, rule, subject, period } = finding;
  return {
    id: alertIdOf(finding),
    tenantId,
    rule,
    subject,
    period,
    state: 'open',
    severity,
    highestSeverity: severity,
    openedAt: at,
    resolvedAt: null,
    ...said(finding, severity),
  };
}

function moved(alert: Alert, finding: Finding, severity: Severity | null, at: string): Alert {
  // What was told stays beside a resolve; only its words are today's.
  if (severity === null) return { ...alert, state: 'resolved', resolvedAt: at, ...said(finding, null, alert.value) };
  const highestSeverity = rankOf(severity) > rankOf(alert.highestSeverity) ? severity : alert.highestSeverity;
  return { ...alert, state: 'open', severity, highestSeverity, ...said(finding, severity) };
}

function said(finding: Finding, severity: Severity | null, valueBefore = 0) {
  const { value, unit, title, detail, figures, ladder } = finding;
  return { value: value ?? valueBefore, threshold: thresholdOf(ladder, severity), unit, title, detail, figures };
}

/** Resolved for another reason than its figure. */
function ended({ alert, sequence }: AlertState, at: string, why: string): AlertChange {
  return changeOf('resolved', { ...alert, state: 'resolved', resolvedAt: at, detail: why }, sequence + 1, at);
}

function isOver({ period, title }: Alert): string {
  return `The period of this alert, ${period}, is over. It last said: ${title}.`;
}

function changeOf(change: AlertChangeKind, alert: Alert, sequence: number, at: string): AlertChange {
  return { id: `${alert.id}-${sequence}`, change, at, alert };
}

function openOf(states: readonly AlertState[]): AlertState[] {
  return states.filter(({ alert }) => alert.state === 'open');
}

/** Whether it opened or resolved after a moment, ISO 8601. */
function isAfter({ openedAt, resolvedAt }: Alert, at: string): boolean {
  return openedAt > at || (resolvedAt !== null && resolvedAt > at);
}

function subjectOf({ tenantId, rule, subject }: Pick<Alert, 'tenantId' | 'rule' | 'subject'>): string {
  return JSON.stringify([tenantId, rule, subject]);
}
