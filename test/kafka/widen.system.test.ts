/**
 * A topic gets more partitions while events keep coming through the gateway and a producer: nothing is lost, nothing is
 * counted twice, and nothing is left for a person to do.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type RunningConsumer, type WideningStep, widenLog } from '@tally/consumer';
import { TallyError } from '@tally/platform/errors';
import { FENCED, isFenced } from '@tally/platform/kafka';
import type { TallyProducer } from '@tally/producer';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ADMIN_KEY, fewestPartitions, freshTenant, type ServiceProcess, TestSystem } from '../support/system.ts';

const SHARDS = fewestPartitions();
const BEFORE = 2 * SHARDS;
const AFTER = 5 * SHARDS;
const PAUSE_MS = 50;
const OCCURRED_AT = new Date(Date.UTC(2026, 2, 1));

describe('a topic that is widened', () => {
  let system: TestSystem;
  let tenantId: string;
  let topic: string;

  beforeEach(async () => {
    system = await TestSystem.create('widen', { partitions: BEFORE });
    tenantId = freshTenant('widen');
    topic = system.topics.interactions;
  });

  afterEach(() => system.close());

  const widening = (change = {}) => ({
    partitions: AFTER,
    by: 'test',
    because: 'more load',
    drainMsMax: 60_000,
    ...change,
  });

  function email(producer: TallyProducer, index: number): Promise<void> {
    return producer.email({
      ...{ eventId: `e${index}`, tenantId, environmentId: 'prod', entityType: 'contact', entityId: `c${index}` },
      occurredAt: OCCURRED_AT,
    });
  }

  async function byGateway({ url }: ServiceProcess, index: number): Promise<number> {
    const data = { tenantId, environmentId: 'prod', entityType: 'contact', entityId: `c${index}`, channel: 'email' };
    const event = { specversion: '1.0', type: 'tally.interaction.v1', source: '/t', id: `e${index}`, data };
    const answer = await fetch(`${url}/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/cloudevents+json' },
      body: JSON.stringify({ ...event, time: OCCURRED_AT.toISOString() }),
    });
    if (answer.status === 503) expect(answer.headers.get('retry-after')).not.toBeNull();
    await answer.arrayBuffer();
    return answer.status;
  }

  /** As a supervisor does: a consumer that refuses is started again until it does not. */
  function consumersForEver(): { stop: () => Promise<void> } {
    let running: RunningConsumer | undefined;
    let stopping = false;
    const lives = (async () => {
      while (!stopping) {
        const seen = system.fatal.length;
        running = await system.consumer({ TALLY_LOG_CHECK_INTERVAL_MS: '300' }).catch((error: unknown) => {
          expect(error).toBeInstanceOf(TallyError);
          return undefined;
        });
        while (running && !stopping && system.fatal.length === seen) await sleep(PAUSE_MS);
        await running?.stop();
        await sleep(PAUSE_MS);
      }
    })();
    return {
      stop: async () => {
        stopping = true;
        await lives;
      },
    };
  }

  async function counted(): Promise<number> {
    const ask = await system.api();
    const { body } = await ask(`/v1/tenants/${tenantId}/interactions?from=2026-03&to=2026-03`);
    return (body as { months: [{ total: number }] }).months[0].total;
  }

  it('counts every event once, with load during it and an idle sender of before it', async () => {
    const gateway = await system.service('gateway/main.ts', { TALLY_GATEWAY_DELIVERY_TIMEOUT_MS: '2000' });
    const producer = system.producer();
    const idle = system.producer();
    for (let index = 0; index < 50; index++) await email(idle, index);
    const consumers = consumersForEver();

    let over = false;
    let next = 50;
    const statuses = new Set<number>();
    const acknowledged = new Set<number>(Array.from({ length: 50 }, (_, index) => index));
    const load = async (send: (index: number) => Promise<boolean>): Promise<void> => {
      while (!over) {
        const index = next++;
        // An event is sent until it is taken, as senders are to do; and one of before comes again.
        while (!(await send(index))) await sleep(PAUSE_MS);
        acknowledged.add(index);
        await send(Math.floor(index / 2));
        await sleep(PAUSE_MS);
      }
    };
    const loads = [
      load((index) => email(producer, index).then(() => true)),
      load(async (index) => {
        const status = await byGateway(gateway, index);
        statuses.add(status);
        return status === 202;
      }),
    ];
    const steps: WideningStep[] = [];
    const log = await widenLog({ ...system, topic }, widening({ onStep: (step: WideningStep) => steps.push(step) }));
    expect(steps).toEqual(['fenced', 'drained', 'widened', 'opened', 'settled', 'lifted']);
    expect(log).toMatchObject({ partitions: AFTER, because: 'more load' });
    // It has not sent since it counted two partitions.
    for (let index = 0; index < 50; index++) await email(idle, index);
    for (let index = 1_000_000; index < 1_000_050; index++) {
      await email(idle, index);
      acknowledged.add(index);
    }
    await sleep(1_000);
    over = true;
    await Promise.all(loads);
    await system.caughtUp();
    await consumers.stop();

    expect([...statuses].sort()).toEqual([202, 503]);
    expect(await system.deadLetters()).toEqual([]);
    expect(await counted()).toBe(acknowledged.size);
    expect((await system.outcomes()).counted).toBe(acknowledged.size);
    expect(system.fatal).toContainEqual(expect.objectContaining({ code: 'LOG_PARTITIONS_CHANGED' }));
    const used = (await system.admin.extents(topic)).filter(({ end }) => end > 0n);
    expect(used).toHaveLength(AFTER);
    expect(isFenced(await system.admin.topicSettings(topic))).toBe(false);
  });

  it('is as it was when the consumers do not count what is there', async () => {
    await email(system.producer(), 1);
    const widened = widenLog({ ...system, topic }, widening({ drainMsMax: 1_000 }));
    await expect(widened).rejects.toMatchObject({ code: 'LOG_NOT_DRAINED', retriable: true });
    expect(await system.admin.extents(topic)).toHaveLength(BEFORE);
    await email(system.producer(), 2);
  });

  it('is opened by the same command when that died half-way', async () => {
    await system.admin.setTopicSettings(topic, FENCED);
    await system.admin.setPartitionCount(topic, AFTER);
    await widenLog({ ...system, topic }, widening());
    await email(system.producer(), 1);
    const consumer = await system.consumer();
    await system.caughtUp();
    await consumer.stop();
    expect(await system.outcomes()).toEqual({ counted: 1 });
  });

  it('is refused fewer partitions, and those that somebody else has added', async () => {
    await expect(widenLog({ ...system, topic }, widening({ partitions: BEFORE }))).rejects.toMatchObject({
      code: 'LOG_NOT_WIDER',
    });
    await system.admin.setPartitionCount(topic, BEFORE + 1);
    await expect(widenLog({ ...system, topic }, widening())).rejects.toMatchObject({ code: 'LOG_PARTITIONS_CHANGED' });
  });

  it.skipIf(SHARDS === 1)('is refused a number that is no multiple of the shards, and left as it was', async () => {
    const refused = { code: 'PARTITIONS_AND_SHARDS', retriable: false };
    const asked = widening({ partitions: AFTER + 1 });
    await expect(widenLog({ ...system, topic }, asked)).rejects.toMatchObject(refused);
    expect(await system.admin.extents(topic)).toHaveLength(BEFORE);
    expect(isFenced(await system.admin.topicSettings(topic))).toBe(false);
  });
});
