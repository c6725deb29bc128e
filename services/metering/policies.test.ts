import { CHANNELS } from '@tally/schemas';
import { describe, expect, it, test } from 'vitest';
import {
  always,
  BEGINNING,
  type CountingPolicy,
  DEFAULT_POLICY,
  POLICIES,
  policyName,
  policyNamed,
  policyStretches,
  timelineOf,
} from './policies.ts';

test.each([
  ['all', ['outbound', 'inbound']],
  ['outbound-only', ['outbound']],
])('policy %s counts %j on every channel', (name, directions) => {
  expect(policyNamed(name)).toEqual({ name, directions, channels: [...CHANNELS] });
});

test('the default policy counts both directions', () => {
  expect(DEFAULT_POLICY).toBe('all');
  expect(always()).toEqual([{ from: BEGINNING, policy: policyNamed('all') }]);
});

test('a name that is none has no policy', () => {
  expect(policyNamed('ALL')).toBeUndefined();
  expect(policyNamed('')).toBeUndefined();
});

test('no two policies have one name', () => {
  expect(new Set(POLICIES.map(({ name }) => name)).size).toBe(POLICIES.length);
});

describe('a timeline', () => {
  const policy = (name: string): CountingPolicy => policyNamed(name) ?? expect.fail(`no policy ${name}`);
  const timeline = timelineOf([
    { from: '2026-07-01', policy: policy('all') },
    { from: '2026-01-01', policy: policy('outbound-only') },
  ]);

  it('begins with the default policy, unless another is decided for the beginning', () => {
    expect(timeline.map(({ from, policy: { name } }) => [from, name])).toEqual([
      [BEGINNING, 'all'],
      ['2026-01-01', 'outbound-only'],
      ['2026-07-01', 'all'],
    ]);
    expect(timelineOf([{ from: BEGINNING, policy: policy('outbound-only') }])).toHaveLength(1);
    expect(timelineOf([])).toEqual(always());
  });

  it.each([
    ['2025-01-01', '2025-12-31', 'all'],
    ['2025-01-01', '2026-01-01', 'all, outbound-only from 2026-01-01'],
    ['2026-01-01', '2026-06-30', 'outbound-only'],
    ['2026-06-30', '2026-07-01', 'outbound-only, all from 2026-07-01'],
    ['2025-12-31', '2026-07-01', 'all, outbound-only from 2026-01-01, all from 2026-07-01'],
    ['2027-01-01', '2027-01-01', 'all'],
  ])('from %s to %s is called "%s"', (first, last, name) => {
    expect(policyName(timeline, first, last)).toBe(name);
  });

  it('has neighbouring stretches without a gap, and one where the policy stays', () => {
    const same = timelineOf([
      { from: '2026-01-01', policy: policy('all') },
      { from: '2026-02-01', policy: policy('outbound-only') },
    ]);
    expect(policyStretches(same, '2025-12-01', '2026-02-28')).toEqual([
      { first: '2025-12-01', last: '2026-01-31', policy: policy('all') },
      { first: '2026-02-01', last: '2026-02-28', policy: policy('outbound-only') },
    ]);
  });
});
