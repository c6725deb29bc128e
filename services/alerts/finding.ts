/**
 * What a rule finds in an observation: the figure, what it is held against, and what there is to say about it.
 */
import type { Alert, Severity } from './alert.ts';
import { type Ladder, severityOf } from './levels.ts';
import { ladderOf, type Rule } from './rules.ts';

/** A rule's word on one subject in one period. */
export interface Found {
  subject: string;
  /** See Alert. */
  period: string;
  /** Null where there is no such figure, which is as good as one below every level. */
  value: number | null;
  unit: string;
  title: string;
  detail: string;
  figures: Alert['figures'];
  /**
   * Too early to say, too few to say anything, or another rule says it: an alert of the period may get better by it, and
   * none is opened or gets worse.
   */
  onlyBetter?: boolean;
  /**
   * What it is about does not end with the period: an alert that is open from an earlier one goes on, so that midnight
   * does not tell the same again.
   */
  lasting?: boolean;
}

export interface Finding extends Required<Found> {
  /** Null for what concerns operators. */
  tenantId: string | null;
  /** Name of the rule. */
  rule: string;
  ladder: Ladder;
  /** Of the figure alone, without regard to what was before. */
  severity: Severity | null;
}

export function findingOf(rule: Rule, tenantId: string | null, found: Found): Finding {
  const ladder = ladderOf(rule);
  const { onlyBetter = false, lasting = false } = found;
  const severity = onlyBetter ? null : severityOf(ladder, found.value);
  return { ...found, onlyBetter, lasting, tenantId, rule: rule.name, ladder, severity };
}
