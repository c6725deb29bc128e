/**
 * Content for tests that are about something else.
 */
import type { StatementContent } from './document.ts';

const used = { owned: 100, used: 40, remaining: 60, overage: 0, share: 0.4 };

export const sampleContent: StatementContent = {
  format: 1,
  tenantId: 'contoso',
  month: '2026-03',
  number: 3,
  issuedAt: '2026-04-04T05:00:00.000Z',
  issuedBy: 'schedule',
  period: { firstDay: '2026-03-01', lastDay: '2026-03-31' },
  policy: 'all',
  interactions: {
    ...used,
    peakDay: { day: '2026-03-02', used: 7 },
    byChannel: { email: 40 },
    byEnvironment: { prod: 40 },
  },
  engagedPeople: {
    day: '2026-03-31',
    ...used,
    byEnvironment: { prod: 40 },
    byEntityType: { contact: 40 },
    peak: { day: '2026-03-31', ...used },
    worst: null,
  },
  unifiedPeople: {
    day: '2026-03-31',
    ...used,
    known: true,
    byEnvironment: { prod: 40 },
    peak: { day: '2026-03-31', ...used },
    worst: null,
  },
  licenceYear: null,
  adjustments: [],
  year: [],
  licences: [],
  environments: [{ id: 'prod', registered: false }],
  evidence: {
    positions: { 'tally.interactions.v1/0': 41 },
    epochs: { 'tally.interactions.v1': 1 },
    licenceVersion: null,
    catalogueVersion: 1,
    policies: [],
    unified: [],
  },
  previousDigest: 'sha256:00',
};
