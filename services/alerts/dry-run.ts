/**
 * What rules would have said: the same steps as in operation, over observations of the past. (Rules: "Alerts".)
 */
import type { AlertChange } from './alert.ts';
import { findingsOf } from './evaluate.ts';
import type { Observation } from './observation.ts';
import type { Rule } from './rules.ts';
import { type AlertState, alertStates, nextChanges } from './state.ts';

/**
 * The changes, in the order of time, each at the moment of its observation. It begins with no alert open. A day's figures
 * are those known now, so what came late seems to have been there in time.
 * @param observations of one tenant, or of the operators; one a day, at the day's end, is what `tally alerts test` takes
 */
export function dryRun(rules: readonly Rule[], observations: readonly Observation[]): AlertChange[] {
  const all: AlertChange[] = [];
  let known: AlertState[] = [];
  for (const seen of [...observations].sort((a, b) => a.at - b.at)) {
    const changes = nextChanges(known, findingsOf(rules, seen), { now: seen.at, rules });
    known = alertStates(changes, known);
    all.push(...changes);
  }
  return all;
}
