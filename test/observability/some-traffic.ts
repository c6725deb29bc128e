/**
 * A few events through the gateway: one that counts, one that is refused.
 */
import { randomUUID } from 'node:crypto';

export const ADMIN_KEY_HEADER = 'authorization';

/** Throws when the gateway does not take them as such. */
export async function sendEvents(gateway: string, key: string): Promise<void> {
  const event = (channel: string): object => ({
    specversion: '1.0',
    type: 'tally.interaction.v1',
    source: '/observability',
    id: randomUUID(),
    time: new Date().toISOString(),
    data: { tenantId: 'watched', environmentId: 'prod', entityType: 'contact', entityId: 'c-1', channel },
  });
  const answer = await fetch(`${gateway}/v1/events`, {
    method: 'POST',
    headers: { [ADMIN_KEY_HEADER]: `Bearer ${key}`, 'content-type': 'application/cloudevents-batch+json' },
    body: JSON.stringify([event('email'), event('pigeon')]),
  });
  if (answer.status !== 207) throw new Error(`the gateway answered ${answer.status}: ${await answer.text()}`);
}
