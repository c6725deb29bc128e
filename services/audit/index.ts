export type { Comparison, Difference } from './findings.ts';
export { type Verification, type VerifyOptions, type VerifyStep, verify } from './verify.ts';
