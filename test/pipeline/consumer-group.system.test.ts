/**
 * Consumers in a group: inserts slower than the session, zombies that write late, commits that are refused.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Checkpoint } from '@tally/consumer';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { someOf } from '../support/some-of.ts';
import { eventually, freshTenant, TestSystem } from '../support/system.ts';

const CONSUMER_THAT_DIES = fileURLToPath(new URL('../support/consumer-that-dies.ts', import.meta.url));
const SESSION_MS = 3_000;
const EVENTS = 300;
const FREEZES: readonly Checkpoint[] = ['decoded', 'looked-up', 'insert-half-sent', 'inserted', 'before-commit'];

describe('a consumer', () => {
  let system: TestSystem;
  let tenantId: string;

  beforeEach(async () => {
    system = await TestSystem.create('group', { partitions: 2 });
    tenantId = freshTenant('group');
  });

  afterEach(() => system.close());

  async function sendEvents(times = 1): Promise<void> {
    const producer = system.producer();
    const sent = [];
    for (let index = 0; index < EVENTS * times; index++) {
      const event = index % EVENTS;
      sent.push(
        producer.push({
          eventId: `e${event}`,
          tenantId,
          environmentId: 'prod',
          entityType: 'lead',
          entityId: `l${event % 20}`,
          occurredAt: Date.UTC(2026, 2, 1 + (event % 28)),
        }),
      );
    }
    await Promise.all(sent);
  }

  async function interactions(): Promise<number> {
    const ask = await system.api();
    const { body } = await ask(`/v1/tenants/${tenantId}/interactions?from=2026-03&to=2026-03`);
    return (body as { months: [{ total: number }] }).months[0].total;
  }

  it('whose insert takes longer than its session keeps its partitions', async () => {
    let slow = true;
    const consumer = await system.consumer({}, async (place) => {
      if (place !== 'insert-half-sent' || !slow) return;
      slow = false;
      await sleep(3 * SESSION_MS);
    });
    await sendEvents();
    await system.caughtUp();
    expect(slow).toBe(false);
    expect(consumer.assignments()).toBe(1);
    expect(await interactions()).toBe(EVENTS);
  });

  it.each(someOf(FREEZES))(
    'that froze after “%s” and goes on when its partitions are another’s changes no figure',
    async (place) => {
      await sendEvents(2);
      const plan = JSON.stringify([{ place, nth: 1, action: 'freeze' }]);
      const zombie = await system.service(CONSUMER_THAT_DIES, { FAIL_PLAN: plan });
      await eventually(async () => expect(stateOf(zombie.pid)).toBe('T'));
      const heir = await system.service('consumer/main.ts');
      await system.caughtUp();
      const before = await system.outcomes();
      process.kill(zombie.pid, 'SIGCONT');
      // It writes what it had in hand, is refused the commit, and joins again.
      await sleep(SESSION_MS);
      expect(stateOf(zombie.pid)).not.toBe('T');
      expect(await system.outcomes()).toEqual(before);
      expect(await interactions()).toBe(EVENTS);
      await heir.stop();
      await sendEvents();
      await system.caughtUp();
      expect(await interactions()).toBe(EVENTS);
      expect(await system.outcomes()).toEqual({ counted: EVENTS, duplicate: 2 * EVENTS });
    },
  );
});

/** The state letter of proc(5): `T` is stopped. */
function stateOf(pid: number): string | undefined {
  return readFileSync(`/proc/${pid}/stat`, 'utf8').split(')').at(-1)?.trim()[0];
}
