export * from './calendar.ts';
export * from './engaged-window.ts';
export * from './identifiers.ts';
export * from './identity-resolution.ts';
export * from './policies.ts';
