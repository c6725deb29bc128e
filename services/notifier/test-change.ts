/**
 * A change of an alert, for tests.
 */
import type { AlertChange } from '@tally/alerts';
import type { Message } from './told.ts';

export function testChange(
  id: string,
  alert: Partial<AlertChange['alert']> = {},
  change: Partial<Omit<AlertChange, 'alert'>> = {},
): AlertChange {
  return {
    id,
    change: 'opened',
    at: '2026-11-22T10:00:00.000Z',
    ...change,
    alert: {
      id: `alert-of-${id}`,
      tenantId: 'contoso',
      rule: 'quota-share',
      subject: 'interactions',
      period: '2026-11',
      state: 'open',
      severity: 'warning',
      highestSeverity: 'warning',
      openedAt: '2026-11-22T10:00:00.000Z',
      resolvedAt: null,
      value: 91_000,
      threshold: 90_000,
      unit: 'interactions',
      title: 'contoso has used 91 % of its interactions',
      detail: 'At this rate the month ends over its quota.',
      figures: { owned: 100_000 },
      ...alert,
    },
  };
}

export function messageOfChange(change: AlertChange): Message {
  return { change, document: JSON.stringify(change) };
}
