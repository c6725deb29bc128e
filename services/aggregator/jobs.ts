/**
 * Jobs by cron. A job never runs beside itself in this process, and one whose time came while no process was there runs at
 * the start: the run log tells when it ran last.
 */
import type { Logger } from '@tally/platform/log';
import { Cron } from 'croner';
import type { Due } from './logged-run.ts';

export interface Job {
  name: string;
  /** UTC; six fields have seconds. */
  cron: string;
  /** Records itself in the run log under the job's name. What it throws is logged, and the next run comes in its time. */
  run: (due: Due) => Promise<unknown>;
}

export interface JobsOptions {
  jobs: readonly Job[];
  /** When a job last began, milliseconds since 1970-01-01 UTC; undefined: never. */
  lastStartOf: (job: string) => Promise<number | undefined>;
  clock: () => number;
  log: Logger;
  /** A job's time came while it was still running: it is left out. */
  onOverlap?: (job: string) => void;
  /** A job has ended, well or not; `ms` is how long it took. */
  onEnd?: (job: string, outcome: 'succeeded' | 'failed', ms: number) => void;
}

export interface RunningJobs {
  /** Resolves when no job runs any more and none will. */
  stop: () => Promise<void>;
}

/** Starts what is due, without waiting for it, and the schedules. Throws when the run log cannot be read. */
export async function startJobs({
  jobs,
  lastStartOf,
  clock,
  log,
  onOverlap,
  onEnd,
}: JobsOptions): Promise<RunningJobs> {
  const starts = await Promise.all(
    jobs.map(async (job) => ({ job, due: dueAtStart(job.cron, await lastStartOf(job.name), clock()) })),
  );
  const running = new Set<Promise<void>>();
  const schedules = starts.map(({ job, due }) => {
    let next = due;
    const run = (): Promise<void> => {
      const reason = next ?? { cause: 'schedule', at: clock() };
      next = undefined;
      const began = clock();
      const ended: Promise<void> = job
        .run(reason)
        .then(
          () => onEnd?.(job.name, 'succeeded', clock() - began),
          (err: unknown) => {
            onEnd?.(job.name, 'failed', clock() - began);
            log.error({ err, job: job.name }, 'job failed, it runs again when its time comes');
          },
        )
        .finally(() => running.delete(ended));
      running.add(ended);
      return ended;
    };
    const protect = (): void => {
      log.warn({ job: job.name }, 'job is still running when its time comes again');
      onOverlap?.(job.name);
    };
    const schedule = new Cron(job.cron, { timezone: 'UTC', protect, paused: true }, run);
    if (due) void schedule.trigger();
    schedule.resume();
    return schedule;
  });
  return {
    stop: async () => {
      for (const schedule of schedules) schedule.stop();
      await Promise.all(running);
    },
  };
}

/** Why a job has to run at once: it never did, or it missed a time, the first of which is told. Undefined: it need not. */
export function dueAtStart(cron: string, lastStart: number | undefined, now: number): Due | undefined {
  if (lastStart === undefined) return { cause: 'first', at: now };
  const missed = new Cron(cron, { timezone: 'UTC', paused: true }).nextRun(new Date(lastStart));
  return missed && missed.getTime() <= now ? { cause: 'missed', at: missed.getTime() } : undefined;
}
