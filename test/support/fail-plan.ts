/**
 * Where a consumer process is to fail: at the nth time it passes a named place between two steps.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { CHECKPOINTS, type Checkpoint } from '@tally/consumer';
import { z } from 'zod';

const failStep = z.strictObject({
  place: z.enum(CHECKPOINTS),
  /** 1 is the first time the process gets there. */
  nth: z.int().min(1),
  /** `die`: SIGKILL. `freeze`: SIGSTOP, until somebody else sends SIGCONT. */
  action: z.enum(['die', 'freeze']),
});

export const failPlan = z.array(failStep);
export type FailStep = z.infer<typeof failStep>;

/** The signal is on its way when `kill` returns, and stops every thread a moment later. */
const SIGNAL_ARRIVES_MS = 20;

/**
 * What a consumer is to be given as `checkpoint`. Each failure is written to `failLog`, one JSON line, before it
 * happens; a file that is written before SIGKILL is there after it.
 */
export function failAsPlanned(plan: readonly FailStep[], failLog?: string): (place: Checkpoint) => Promise<void> {
  const passes = new Map<Checkpoint, number>();
  return async (place) => {
    const nth = (passes.get(place) ?? 0) + 1;
    passes.set(place, nth);
    const step = plan.find((candidate) => candidate.place === place && candidate.nth === nth);
    if (!step) return;
    if (failLog !== undefined) appendFileSync(failLog, `${JSON.stringify(step)}\n`);
    process.kill(process.pid, step.action === 'die' ? 'SIGKILL' : 'SIGSTOP');
    await sleep(SIGNAL_ARRIVES_MS);
  };
}

/** The failures that have happened, in order. */
export function readFailLog(failLog: string): FailStep[] {
  if (!existsSync(failLog)) return [];
  const lines = readFileSync(failLog, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => failStep.parse(JSON.parse(line)));
}
