export { AGGREGATE_JOB, type AggregateOptions, aggregate } from './aggregate.ts';
export { aggregatorConfig, cron } from './config.ts';
export { jobMetrics } from './job-metrics.ts';
export { dueAtStart, type Job, type RunningJobs, startJobs } from './jobs.ts';
export { type Due, loggedRun } from './logged-run.ts';
