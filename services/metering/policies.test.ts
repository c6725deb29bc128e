import { CHANNELS } from '@tally/schemas';
import { expect, test } from 'vitest';
import { DEFAULT_POLICY, POLICIES, policyNamed } from './policies.ts';

test.each([
  ['all', ['outbound', 'inbound']],
  ['outbound-only', ['outbound']],
])('policy %s counts %j on every channel', (name, directions) => {
  expect(policyNamed(name)).toEqual({ name, directions, channels: [...CHANNELS] });
});

test('the default policy counts both directions', () => {
  expect(DEFAULT_POLICY).toBe('all');
});

test('a name that is none has no policy', () => {
  expect(policyNamed('ALL')).toBeUndefined();
  expect(policyNamed('')).toBeUndefined();
});

test('no two policies have one name', () => {
  expect(new Set(POLICIES.map(({ name }) => name)).size).toBe(POLICIES.length);
});
