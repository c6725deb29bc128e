/**
 * The same event id twice, the second a month later: counted once, in the first's month, whatever happens in between.
 */
import { fileURLToPath } from 'node:url';
import { CHECKPOINTS, type Checkpoint } from '@tally/consumer';
import type { InteractionInput } from '@tally/producer';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { someOf } from '../support/some-of.ts';
import { ADMIN_KEY, eventually, freshTenant, type ServiceProcess, TestSystem } from '../support/system.ts';

const CONSUMER_THAT_DIES = fileURLToPath(new URL('../support/consumer-that-dies.ts', import.meta.url));

const KILLS: readonly Checkpoint[] = CHECKPOINTS.filter((place) => place !== 'committed');

function message(tenantId: string, occurredAt: string, eventId = 'e1'): InteractionInput {
  return {
    eventId,
    tenantId,
    environmentId: 'prod',
    entityType: 'contact',
    entityId: 'c1',
    occurredAt: Date.parse(occurredAt),
  };
}

describe('an event that comes again', () => {
  let system: TestSystem;
  let tenantId: string;

  beforeEach(async () => {
    system = await TestSystem.create('repetition');
    tenantId = freshTenant('repetition');
  });

  afterEach(() => system.close());

  async function months(): Promise<Record<string, number>> {
    const ask = await system.api();
    const { body } = await ask(`/v1/tenants/${tenantId}/interactions?from=2026-01&to=2026-03`);
    const { months } = body as { months: { month: string; total: number }[] };
    return Object.fromEntries(months.map(({ month, total }) => [month, total]));
  }

  it('counts once, in its first month, across a restart of every service in between', async () => {
    const services = async (): Promise<ServiceProcess[]> => [
      await system.service('gateway/main.ts'),
      await system.service('consumer/main.ts'),
      await system.service('aggregator/main.ts'),
      await system.service('api/main.ts'),
    ];
    const first = await services();
    await post(first[0]?.url, cloudEvent(tenantId, '2026-01-31T23:59:50Z'));
    await system.caughtUp();
    for (const service of first) await service.stop();
    const second = await services();
    await post(second[0]?.url, cloudEvent(tenantId, '2026-02-28T00:00:05Z'));
    await system.caughtUp();
    const response = await fetch(`${second[3]?.url}/v1/tenants/${tenantId}/interactions?from=2026-01&to=2026-03`, {
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
    });
    expect(await response.json()).toMatchObject({
      months: [
        { month: '2026-01', total: 1 },
        { month: '2026-02', total: 0 },
        { month: '2026-03', total: 0 },
      ],
    });
    expect(await system.outcomes()).toEqual({ counted: 1, conflicting: 1 });
  });

  it.each(someOf(KILLS))(
    'counts once when the consumer is killed (SIGKILL) after the step “%s”, before the commit',
    async (place) => {
      const producer = system.producer();
      await producer.email(message(tenantId, '2026-01-31T23:59:50Z'));
      const dying = await system.service(CONSUMER_THAT_DIES, {
        FAIL_PLAN: JSON.stringify([{ place, nth: 1, action: 'die' }]),
      });
      await eventually(async () => expect(isRunning(dying.pid)).toBe(false));
      expect(await system.admin.committed(system.groupId, system.topics.interactions)).toEqual(new Map());
      const written = ['inserted', 'before-commit'].includes(place) ? { counted: 1 } : {};
      expect(await system.outcomes()).toEqual(written);

      await producer.email(message(tenantId, '2026-02-28T00:00:05Z'));
      await producer.email(message(tenantId, '2026-03-01T00:00:00Z', 'another'));
      await system.service('consumer/main.ts');
      await system.caughtUp();
      expect(await months()).toEqual({ '2026-01': 1, '2026-02': 0, '2026-03': 1 });
      expect(await system.outcomes()).toEqual({ counted: 2, conflicting: 1 });
    },
  );

  it('counts once when two consumers share the topic and one of them leaves in the middle', async () => {
    const producer = system.producer();
    const send = async (from: number, to: number): Promise<void> => {
      const sent = [];
      for (let index = from; index < to; index++) {
        const input = { ...message(tenantId, '2026-02-03T00:00:00Z', `e${index % 500}`), entityId: `c${index % 50}` };
        sent.push(producer.sms(input));
      }
      await Promise.all(sent);
    };
    const one = await system.service('consumer/main.ts');
    await system.service('consumer/main.ts');
    await send(0, 2_000);
    process.kill(one.pid, 'SIGKILL');
    await send(2_000, 4_000);
    await system.caughtUp();
    expect(await months()).toEqual({ '2026-01': 0, '2026-02': 500, '2026-03': 0 });
    expect(await system.outcomes()).toEqual({ counted: 500, duplicate: 3_500 });
  });
});

function cloudEvent(tenantId: string, time: string): object {
  return {
    specversion: '1.0',
    type: 'tally.interaction.v1',
    source: '/test',
    id: 'e1',
    time,
    data: { tenantId, environmentId: 'prod', entityType: 'contact', entityId: 'c1', channel: 'email' },
  };
}

async function post(gateway: string | undefined, event: object): Promise<void> {
  const response = await fetch(`${gateway}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/cloudevents+json' },
    body: JSON.stringify(event),
  });
  expect(response.status).toBe(202);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
