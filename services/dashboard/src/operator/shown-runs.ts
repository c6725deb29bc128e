/**
 * The runs that say something. Most find nothing to do, and would hide those that did.
 */
import type { RunsAnswer } from '../api/answers.ts';

type Run = RunsAnswer['runs'][number];

const RUNS_MAX = 12;

/** The newest of each job, and others that published something or did not succeed; newest first. */
export function shownRuns(runs: readonly Run[]): Run[] {
  const seen = new Set<string>();
  return runs
    .filter(({ job, outcome, published }) => {
      const isNewest = !seen.has(job);
      seen.add(job);
      return isNewest || published > 0 || outcome !== 'succeeded';
    })
    .slice(0, RUNS_MAX);
}
