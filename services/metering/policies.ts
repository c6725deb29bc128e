/**
 * What counts: a counting policy says which directions and channels do. Policies are data; changing one needs no event to
 * be ingested again, since the derived tables keep channel and direction.
 */
import { CHANNELS, type Channel, DIRECTIONS, type Direction } from '@tally/schemas';

export interface CountingPolicy {
  name: string;
  directions: readonly Direction[];
  channels: readonly Channel[];
}

export const POLICIES: readonly CountingPolicy[] = [
  { name: 'all', directions: DIRECTIONS, channels: CHANNELS },
  { name: 'outbound-only', directions: ['outbound'], channels: CHANNELS },
];

export const DEFAULT_POLICY = 'all';

/** A policy by name, or undefined. */
export function policyNamed(name: string): CountingPolicy | undefined {
  return POLICIES.find((policy) => policy.name === name);
}
