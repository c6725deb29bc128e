/**
 * An interaction of which a test says only what matters to it.
 */
import type { Interaction } from '@tally/schemas';

/** An e-mail to one contact in March 2026, with `change` applied. */
export function interaction(change: Partial<Interaction> & Pick<Interaction, 'tenantId'>): Interaction {
  return {
    eventId: 'e1',
    environmentId: 'prod',
    entityType: 'contact',
    entityId: 'c1',
    channel: 'email',
    direction: 'outbound',
    occurredAt: Date.UTC(2026, 2, 1),
    journeyId: null,
    provider: null,
    ...change,
  };
}
