export { AGGREGATE_JOB, type AggregateOptions, aggregate } from './aggregate.ts';
export { dueAtStart, type Job, type RunningJobs, startJobs } from './jobs.ts';
export { lastRun, lastStartOf, newestRuns, type Run } from './runs.ts';
