export { type AggregateOptions, aggregate } from './aggregate.ts';
export { lastRun, type Run } from './runs.ts';
