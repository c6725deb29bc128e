export * from './decisions.ts';
export * from './job.ts';
export * from './listed.ts';
export { observePipeline } from './pipeline.ts';
export { type StoredAlert, storedAlerts } from './stored.ts';
export { observePast, observeTenants } from './tenants.ts';
export { OPERATORS, WATCH_CHECKPOINTS, type WatchCheckpoint, watch } from './watch.ts';
