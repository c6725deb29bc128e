/**
 * What every service that runs jobs tells of them.
 */
import { Counter, Histogram, type Registry } from '@tally/platform/http';
import type { JobsOptions } from './jobs.ts';

const MS_PER_SECOND = 1_000;

/** Registers the metrics; the result is given to `startJobs`. */
export function jobMetrics(registry: Registry): Required<Pick<JobsOptions, 'onOverlap' | 'onEnd'>> {
  const registers = [registry];
  const duration = new Histogram({
    name: 'tally_job_duration_seconds',
    help: 'Time of one run of a job, by how it ended; `failed` ones had thrown, and run again when their time comes',
    labelNames: ['job', 'outcome'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900],
    registers,
  });
  const overlaps = new Counter({
    name: 'tally_job_overlaps_total',
    help: 'Times a job came due while it was still running, and was left out',
    labelNames: ['job'],
    registers,
  });
  return {
    onOverlap: (job) => overlaps.inc({ job }),
    onEnd: (job, outcome, ms) => duration.observe({ job, outcome }, ms / MS_PER_SECOND),
  };
}
