/**
 * What the alerts about the pipeline watch, by the same rules and thresholds, and whether anybody would be told.
 */
import { AGGREGATE_JOB } from '@tally/aggregator';
import { type Finding as AlertFinding, findingsOf, type OperatorObservation, rulesInForce } from '@tally/alerts';
import { knownTenants, lastRun, lastSucceeded } from '@tally/figures';
import { GIVE_UP_AFTER_MS, givenUpSince, waitingDeliveries } from '@tally/notifier';
import { parseConfig } from '@tally/platform/config';
import { TallyError } from '@tally/platform/errors';
import { createLog } from '@tally/platform/log';
import { statementConfig } from '@tally/statements';
import { ALERTS_JOB, OPERATORS, observePipeline, ownRules } from '@tally/watch';
import type { Finding, Looked } from './check.ts';
import type { DoctorCode } from './codes.ts';
import type { DoctorSources } from './sources.ts';

const MS_PER_MINUTE = 60_000;
const WAITING_MINUTES_MAX = 15;
/** The notifier looks every minute. */
const SILENT_MINUTES_WARNING = 10;
const SILENT_MINUTES_FAILING = 60;

/** The pipeline as alerts see it, looked at once however many checks ask. */
export function observation(sources: DoctorSources): () => Promise<OperatorObservation> {
  let observed: Promise<OperatorObservation> | undefined;
  return () => {
    observed ??= observePipeline(
      {
        ...sources,
        graceDays: parseConfig(statementConfig, sources.env).TALLY_STATEMENT_GRACE_DAYS,
        log: createLog('doctor', 'silent'),
      },
      { now: sources.clock(), withLedger: false },
    );
    return observed;
  };
}

type Part = 'deadLetters' | 'figures' | 'expiry' | 'statements' | 'lag';

/** Throws where the part could not be read: nothing is known of it then. */
export function partOf<Name extends Part>(
  seen: OperatorObservation,
  part: Name,
): NonNullable<OperatorObservation[Name]> {
  const value = seen[part];
  if (value) return value;
  throw new TallyError(`${part} could not be read`, { code: 'NOT_OBSERVED', retriable: true });
}

/** What the rules of one kind find, a level below "warning" left out. */
async function found(
  { clickhouse }: DoctorSources,
  seen: OperatorObservation,
  of: { rules: string; code: DoctorCode },
): Promise<Finding[]> {
  const own = (await ownRules(clickhouse, [OPERATORS])).get(OPERATORS);
  const rules = rulesInForce(own?.rules, 'operator').filter(({ kind }) => kind === of.rules);
  const worst = findingsOf(rules, seen)
    .filter(({ severity }) => severity === 'warning' || severity === 'critical')
    .sort((a, b) => rank(b) - rank(a));
  return worst.slice(0, 1).map((one) => ({
    code: of.code,
    severity: one.severity === 'critical' ? 'failing' : 'warning',
    what: one.title,
  }));
}

function rank({ severity }: AlertFinding): number {
  return severity === 'critical' ? 1 : 0;
}

export async function checkDeadLetters(sources: DoctorSources, seen: OperatorObservation): Promise<Looked> {
  const { number, records } = partOf(seen, 'deadLetters');
  const findings = await found(sources, seen, { rules: 'dead-letters', code: 'DEAD_LETTERS_GROWING' });
  return { seen: `${number} came in 24 hours, with ${records} record(s)`, findings };
}

export async function checkExpiry(sources: DoctorSources, seen: OperatorObservation): Promise<Looked> {
  partOf(seen, 'expiry');
  const findings = await found(sources, seen, { rules: 'log-expiry', code: 'LOG_EXPIRING' });
  return { seen: 'nothing is about to be deleted unread', findings };
}

export async function checkStatements(sources: DoctorSources, seen: OperatorObservation): Promise<Looked> {
  const { missing } = partOf(seen, 'statements');
  const findings = await found(sources, seen, { rules: 'statements-overdue', code: 'STATEMENTS_OVERDUE' });
  return { seen: `${missing} overdue`, findings };
}

export async function checkAggregator(sources: DoctorSources, seen: OperatorObservation): Promise<Looked> {
  const { clickhouse } = sources;
  const { lastSuccessAt } = partOf(seen, 'figures');
  const run = await lastRun(clickhouse);
  if (lastSuccessAt === null && !run) {
    if ((await knownTenants(clickhouse)).length === 0) return { seen: 'nothing to publish yet' };
    const what = `job ${AGGREGATE_JOB} never ran, so nothing is published`;
    return { seen: '', findings: [{ code: 'AGGREGATOR_NEVER_RAN', severity: 'failing', what }] };
  }
  const findings = await found(sources, seen, { rules: 'stale-figures', code: 'AGGREGATOR_STALE' });
  if (run && run.failed.length > 0) {
    const what = `the last run could not work out ${run.failed.length} tenant(s): ${run.failed.slice(0, 3).join(', ')}`;
    findings.push({ code: 'AGGREGATOR_TENANTS_FAILED', severity: 'warning', what });
  }
  return { seen: `last success ${moment(lastSuccessAt)}`, findings };
}

export async function checkNotifier({ clickhouse, clock }: DoctorSources): Promise<Looked> {
  const now = clock();
  const findings: Finding[] = [];
  const lookedAt = await lastSucceeded(clickhouse, ALERTS_JOB);
  const minutes = lookedAt === undefined ? Number.POSITIVE_INFINITY : (now - lookedAt) / MS_PER_MINUTE;
  if (minutes > SILENT_MINUTES_WARNING) {
    const what = `the last look for alerts: ${moment(lookedAt ?? null)}`;
    const severity = lookedAt !== undefined && minutes > SILENT_MINUTES_FAILING ? 'failing' : 'warning';
    findings.push({ code: 'NOTIFIER_SILENT', severity, what });
  }
  const since = now - GIVE_UP_AFTER_MS;
  const waiting = (await waitingDeliveries(clickhouse, { since, now })).filter(
    ({ oldestPlannedAt }) => now - oldestPlannedAt > WAITING_MINUTES_MAX * MS_PER_MINUTE,
  );
  for (const { targetId, waiting: number, oldestPlannedAt } of waiting) {
    const what = `${number} alert(s) wait for ${targetId}, the oldest since ${moment(oldestPlannedAt)}`;
    findings.push({ code: 'ALERTS_WAITING', severity: 'warning', what });
  }
  const givenUp = await givenUpSince(clickhouse, since);
  if (givenUp > 0) {
    const what = `${givenUp} alert(s) could not be told to somebody within 24 hours and were given up`;
    findings.push({ code: 'ALERTS_GIVEN_UP', severity: 'warning', what });
  }
  return { seen: `last look ${moment(lookedAt ?? null)}`, findings };
}

function moment(at: number | null): string {
  return at === null ? 'never' : new Date(at).toISOString();
}
