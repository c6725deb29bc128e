import type { ActiveEnvironment } from '@tally/figures';
import { describe, expect, it } from 'vitest';
import { type Work, workOf } from './changed.ts';
import type { Run } from './runs.ts';

const EVENTS = 'tally.interactions.v1';
const PROFILES = 'tally.profiles.v1';
const today = { day: '2026-01-15', profilesTopic: PROFILES };

/** `tenant/environment`, its last change at an offset. */
function active(place: string, last: number, { topic = EVENTS, partition = 0 } = {}): ActiveEnvironment {
  const [tenantId = '', environmentId = ''] = place.split('/');
  return { tenantId, environmentId, topic, partition, last };
}

function profiles(place: string, last: number): ActiveEnvironment {
  return active(place, last, { topic: PROFILES });
}

function run(change: Partial<Run> = {}): Run {
  return {
    runId: 'r-1',
    startedAt: 0,
    finishedAt: 1,
    day: today.day,
    scope: 'changed',
    outcome: 'succeeded',
    tenants: 0,
    failed: [],
    positions: { [`${EVENTS}/0`]: 10, [`${EVENTS}/1`]: 20, [`${PROFILES}/0`]: 5 },
    ...change,
  };
}

/** `tenant` or `tenant: environments whose profiles are worked out`. */
function told({ tenants }: Work): string[] {
  return tenants.map(({ tenantId, profileEnvironments }) => [tenantId, ...profileEnvironments].join(' '));
}

describe('workOf', () => {
  it('takes everything the first time', () => {
    const all = [active('a/prod', 0), active('b/prod', 9), profiles('b/prod', 0), profiles('b/test', 4)];
    const work = workOf(all, undefined, today);
    expect(work.scope).toBe('all');
    expect(told(work)).toEqual(['a', 'b prod test']);
  });

  it('takes nothing when nobody was ever active', () => {
    expect(workOf([], undefined, today)).toEqual({ scope: 'all', tenants: [] });
    expect(workOf([], run(), today)).toEqual({ scope: 'changed', tenants: [] });
  });

  it.each([
    ['just before what the last run saw', active('a/prod', 9), []],
    ['just after what the last run saw', active('a/prod', 10), ['a']],
    ['on another partition, before what it saw there', active('a/prod', 19, { partition: 1 }), []],
    ['on another partition, after what it saw there', active('a/prod', 20, { partition: 1 }), ['a']],
    ['on a partition that it did not see', active('a/prod', 0, { partition: 2 }), ['a']],
    ['a profile record before', profiles('a/prod', 4), []],
    ['a profile record after', profiles('a/prod', 5), ['a prod']],
  ])('takes a tenant that changed since the last run: %s', (_, change, expected) => {
    const work = workOf([change], run(), today);
    expect(work.scope).toBe('changed');
    expect(told(work)).toEqual(expected);
  });

  it('takes a tenant once, whichever of its environments changed', () => {
    const all = [
      active('a/prod', 10),
      active('a/test', 3),
      active('a/test', 20, { partition: 1 }),
      active('b/prod', 1),
    ];
    expect(told(workOf(all, run(), today))).toEqual(['a']);
  });

  it('works out the profiles only of environments whose profile records changed', () => {
    const all = [active('a/prod', 99), profiles('a/prod', 4), profiles('a/test', 5)];
    expect(told(workOf(all, run(), today))).toEqual(['a test']);
  });

  it('names an environment once, whatever number of partitions changed', () => {
    const other = active('a/prod', 7, { topic: PROFILES, partition: 3 });
    expect(told(workOf([profiles('a/prod', 5), other], run(), today))).toEqual(['a prod']);
  });

  it('takes every tenant on a new day, and the profiles only of those that changed', () => {
    const all = [active('a/prod', 0), active('b/prod', 0), profiles('b/prod', 4), profiles('c/prod', 5)];
    const work = workOf(all, run({ day: '2026-01-14' }), today);
    expect(work.scope).toBe('all');
    expect(told(work)).toEqual(['a', 'b', 'c prod']);
  });

  it('takes a tenant again that failed, with all its profiles, whatever changed since', () => {
    const all = [active('a/prod', 0), profiles('a/prod', 0), profiles('a/test', 0), profiles('b/prod', 0)];
    const work = workOf(all, run({ outcome: 'partly', failed: ['a'] }), today);
    expect(work.scope).toBe('changed');
    expect(told(work)).toEqual(['a prod test']);
  });

  it('gives the tenants in the order they come', () => {
    const all = [active('b/prod', 10), active('a/prod', 10), active('c/prod', 10)];
    expect(told(workOf(all, run(), today))).toEqual(['b', 'a', 'c']);
  });
});
