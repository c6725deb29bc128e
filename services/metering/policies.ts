/**
 * What counts: a counting policy says which directions and channels do, and a tenant's timeline from which day each one
 * is in force. An interaction is judged by the policy of the day it happened on, so a later change moves no figure of
 * the past. Policies are data; changing one needs no event to be ingested again, since the derived tables keep channel
 * and direction. (Rules: "Policies".)
 */
import { CHANNELS, type Channel, DIRECTIONS, type Direction } from '@tally/schemas';
import { addDays, type Day } from './calendar.ts';

export interface CountingPolicy {
  name: string;
  directions: readonly Direction[];
  channels: readonly Channel[];
}

const ALL: CountingPolicy = { name: 'all', directions: DIRECTIONS, channels: CHANNELS };

export const POLICIES: readonly CountingPolicy[] = [
  ALL,
  { name: 'outbound-only', directions: ['outbound'], channels: CHANNELS },
];

export const DEFAULT_POLICY = ALL.name;

/** A policy by name, or undefined. */
export function policyNamed(name: string): CountingPolicy | undefined {
  return POLICIES.find((policy) => policy.name === name);
}

export interface PolicyStart {
  /** First day (UTC) on which the policy is in force. */
  from: Day;
  policy: CountingPolicy;
}

/** Ascending by day; the first entry begins with time. */
export type PolicyTimeline = readonly [PolicyStart, ...PolicyStart[]];

/** Before every day that an event may have. */
export const BEGINNING: Day = '1970-01-01';

/** The timeline of a tenant for which nothing was decided, or of one policy for all time. */
export function always(policy: CountingPolicy = ALL): PolicyTimeline {
  return [{ from: BEGINNING, policy }];
}

/** Decisions as data: a policy by its name. */
export function policyDecided(starts: readonly PolicyStart[]): { from: Day; policy: string }[] {
  return starts.map(({ from, policy }) => ({ from, policy: policy.name }));
}

/** The default policy, and what was decided since; `starts` in any order, at most one for a day. */
export function timelineOf(starts: readonly PolicyStart[]): PolicyTimeline {
  const [first, ...others] = [...starts].sort((a, b) => (a.from < b.from ? -1 : 1));
  if (!first) return always();
  return first.from === BEGINNING ? [first, ...others] : [{ from: BEGINNING, policy: ALL }, first, ...others];
}

export interface PolicyStretch {
  first: Day;
  /** Included. */
  last: Day;
  policy: CountingPolicy;
}

/** What a timeline says of the days from `first` to `last`, both included; neighbours have different policies. */
export function policyStretches(timeline: PolicyTimeline, first: Day, last: Day): PolicyStretch[] {
  const stretches: PolicyStretch[] = [];
  for (const [index, { from, policy }] of timeline.entries()) {
    const next = timeline[index + 1]?.from;
    const begins = from > first ? from : first;
    const ends = next !== undefined && next <= last ? addDays(next, -1) : last;
    if (begins > ends) continue;
    const before = stretches.at(-1);
    if (before?.policy.name === policy.name) before.last = ends;
    else stretches.push({ first: begins, last: ends, policy });
  }
  return stretches;
}

/** How a figure over the days from `first` to `last` names its policy: `all`, or `all, outbound-only from 2026-01-01`. */
export function policyName(timeline: PolicyTimeline, first: Day, last: Day): string {
  return policyStretches(timeline, first, last)
    .map((stretch, index) => (index === 0 ? stretch.policy.name : `${stretch.policy.name} from ${stretch.first}`))
    .join(', ');
}
