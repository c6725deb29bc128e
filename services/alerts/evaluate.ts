/**
 * Holds an observation against the rules: a finding for each rule, subject and period of which something can be said.
 */
import { type Finding, type Found, findingOf } from './finding.ts';
import type { Observation, OperatorObservation, TenantObservation } from './observation.ts';
import {
  consumerLag,
  deadLetters,
  ledgerMismatch,
  logExpiry,
  staleFigures,
  statementsOverdue,
} from './pipeline-findings.ts';
import { peakOverrun, projectedMonth, projectedPeople, quotaShare, unlicensedUsage } from './quota-findings.ts';
import type { Rule } from './rules.ts';
import { unusualVolume } from './unusual-volume.ts';

/**
 * Also findings below every level, which resolve what is open. What could not be observed has no finding. Rules about
 * operators find nothing in a tenant's observation, and the other way round.
 */
export function findingsOf(rules: readonly Rule[], seen: Observation): Finding[] {
  return rules.flatMap((rule) => {
    const found = seen.tenantId === null ? foundInPipeline(rule, seen) : foundOfTenant(rule, seen);
    return found.map((one) => findingOf(rule, seen.tenantId, one));
  });
}

function foundOfTenant(rule: Rule, seen: TenantObservation): Found[] {
  switch (rule.kind) {
    case 'quota-share':
      return quotaShare(rule, seen);
    case 'projected-month':
      return projectedMonth(rule, seen);
    case 'projected-people':
      return projectedPeople(rule, seen);
    case 'unusual-volume':
      return unusualVolume(rule, seen);
    case 'peak-overrun':
      return peakOverrun(rule, seen);
    case 'unlicensed-usage':
      return unlicensedUsage(rule, seen);
    default:
      return [];
  }
}

function foundInPipeline(rule: Rule, seen: OperatorObservation): Found[] {
  switch (rule.kind) {
    case 'consumer-lag':
      return consumerLag(rule, seen);
    case 'dead-letters':
      return deadLetters(rule, seen);
    case 'stale-figures':
      return staleFigures(rule, seen);
    case 'ledger-mismatch':
      return ledgerMismatch(rule, seen);
    case 'log-expiry':
      return logExpiry(rule, seen);
    case 'statements-overdue':
      return statementsOverdue(rule, seen);
    default:
      return [];
  }
}
