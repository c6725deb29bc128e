import type { UnifiedDay } from '@tally/figures';
import { timelineOf } from '@tally/metering';
import { expect, it } from 'vitest';
import { drawUp } from './content.ts';

const unified = (byEnvironment: Record<string, number>): UnifiedDay => ({
  day: '2026-03-31',
  total: Object.values(byEnvironment).reduce((sum, people) => sum + people, 0),
  byEnvironment,
  publishedAt: Date.parse('2026-03-31T23:00:00Z'),
  positions: {},
});

it('leaves out an environment whose last record was deleted, of which the published figure says 0', () => {
  const { unifiedPeople, environments } = drawUp({
    tenantId: 'contoso',
    month: '2026-03',
    record: {
      licences: [],
      licenceVersion: null,
      environments: [],
      policies: timelineOf([]),
      decisions: [],
      statements: [],
    },
    usage: {
      engaged: [{ day: '2026-03-31', total: 1, byEnvironment: { test: 1 }, byEntityType: { contact: 1 } }],
      interactions: [{ day: '2026-03-30', environmentId: 'test', channel: 'email', count: 2 }],
      unified: [unified({ prod: 7, sandbox: 0, test: 0 })],
    },
    from: '2026-03-01',
    bounds: { positions: {}, epochs: {} },
    follows: { number: 0, digest: null },
    issuedAt: Date.parse('2026-04-04T05:00:00Z'),
    issuedBy: 'schedule',
  });
  expect(unifiedPeople.byEnvironment).toEqual({ prod: 7 });
  expect(environments.map(({ id }) => id)).toEqual(['prod', 'test']);
});
