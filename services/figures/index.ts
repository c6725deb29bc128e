export * from './engaged.ts';
export * from './interactions.ts';
export * from './outcomes.ts';
export * from './positions.ts';
export * from './snapshots.ts';
export * from './tenants.ts';
export * from './unified.ts';
