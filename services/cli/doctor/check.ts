/**
 * Runs checks side by side: each as soon as those it needs have gone well, each within a time of its own, all within one.
 * What could not be looked at is never told as well.
 */
import { messageOf, TallyError } from '@tally/platform/errors';
import { DOCTOR_CODES, type DoctorCode, runbookOf } from './codes.ts';

/** Something that is not as it should be. */
export interface Finding {
  code: DoctorCode;
  /** A warning: nothing is wrong yet, or nothing that figures hang on. */
  severity: 'warning' | 'failing';
  /** One line. */
  what: string;
}

export interface Looked {
  /** What was seen, in a few words, for whoever reads that it is well. */
  seen: string;
  findings?: Finding[];
}

export interface Check<Sources> {
  name: string;
  /** Names of checks without which this one would only repeat what they say. */
  needs: readonly string[];
  look: (sources: Sources) => Promise<Looked>;
  /** What it means when there is no answer in time; without one, the check is told as not checked. */
  onTimeout?: DoctorCode;
  /** Milliseconds. Default LIMIT_MS. */
  limitMs?: number;
}

export type CheckState = 'ok' | 'warning' | 'failing' | 'not checked';

export interface CheckResult {
  check: string;
  state: CheckState;
  /** What was seen, or why it was not looked at. */
  seen: string;
  findings: (Finding & { do: string; runbook: string })[];
}

export interface Examination {
  /** The worst of all: failing, not checked, warning, ok, in this order. */
  state: CheckState;
  checks: CheckResult[];
}

const LIMIT_MS = 15_000;
const ALL_LIMIT_MS = 60_000;

/** @param limitMs of all checks together */
export async function examine<Sources>(
  checks: readonly Check<Sources>[],
  sources: Sources,
  limitMs = ALL_LIMIT_MS,
): Promise<Examination> {
  const deadline = Date.now() + limitMs;
  const results = new Map<string, Promise<CheckResult>>();
  for (const check of checks) {
    const needed = check.needs.map((name) => {
      const result = results.get(name);
      if (!result) throw new Error(`${check.name} needs ${name}, which comes later or not at all`);
      return result;
    });
    results.set(check.name, lookAfter(check, needed, sources, deadline));
  }
  const all = await Promise.all(results.values());
  return { state: worstOf(all), checks: all };
}

async function lookAfter<Sources>(
  check: Check<Sources>,
  needed: readonly Promise<CheckResult>[],
  sources: Sources,
  deadline: number,
): Promise<CheckResult> {
  const missing = (await Promise.all(needed)).find(({ state }) => state === 'failing' || state === 'not checked');
  if (missing) return notChecked(check.name, `needs ${missing.check}`);
  const limitMs = Math.min(check.limitMs ?? LIMIT_MS, deadline - Date.now());
  if (limitMs <= 0) return notChecked(check.name, 'there was no time left');
  try {
    const { seen, findings = [] } = await within(limitMs, check.look(sources));
    return told(check.name, seen, findings);
  } catch (error) {
    if (error instanceof OutOfTime && check.onTimeout) {
      const what = `no answer within ${limitMs} ms`;
      return told(check.name, what, [{ code: check.onTimeout, severity: 'failing', what }]);
    }
    const code = codeOf(error);
    if (code) return told(check.name, '', [{ code, severity: 'failing', what: firstLine(error) }]);
    return notChecked(check.name, error instanceof OutOfTime ? `took longer than ${limitMs} ms` : firstLine(error));
  }
}

class OutOfTime extends Error {}

async function within<Result>(limitMs: number, work: Promise<Result>): Promise<Result> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new OutOfTime()), limitMs);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    // It may still fail; nobody waits for it any more.
    work.catch(() => undefined);
  }
}

/** What Tally itself refuses to run on is a finding, under the code that the refusal has. */
function codeOf(error: unknown): DoctorCode | undefined {
  if (!(error instanceof TallyError) || error.retriable) return undefined;
  return Object.keys(DOCTOR_CODES).find((code): code is DoctorCode => code === error.code);
}

function told(check: string, seen: string, findings: readonly Finding[]): CheckResult {
  const severities = findings.map(({ severity }) => severity);
  const state = severities.includes('failing') ? 'failing' : severities.length > 0 ? 'warning' : 'ok';
  return {
    check,
    state,
    seen,
    findings: findings.map((one) => ({ ...one, do: DOCTOR_CODES[one.code], runbook: runbookOf(one.code) })),
  };
}

/** A check that was not looked at, and why. */
export function notChecked(check: string, why: string): CheckResult {
  return { check, state: 'not checked', seen: why, findings: [] };
}

function worstOf(results: readonly CheckResult[]): CheckState {
  const states = results.map(({ state }) => state);
  const order = ['failing', 'not checked', 'warning'] as const;
  return order.find((state) => states.includes(state)) ?? 'ok';
}

function firstLine(error: unknown): string {
  return messageOf(error).split('\n', 1)[0] ?? '';
}
