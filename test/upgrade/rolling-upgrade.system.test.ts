/**
 * This release and the next one side by side: the next one's `Interaction` has an optional field more, and its table a
 * column. Tables first, then consumers and producers in any order; the old ones go on meanwhile.
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { readTopic } from '@tally/platform/kafka';
import { entityKey } from '@tally/schemas';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, eventually, freshTenant, type ServiceProcess, TestSystem } from '../support/system.ts';
import { tallyWith } from '../support/tally-command.ts';
import { type NextRelease, nextRelease } from './next-release.ts';

const run = promisify(execFile);
const TENANT = freshTenant('upgrade');
const ENTITIES = 40;
const EVENTS_OF_NEXT = 400;
const V1 = 'c301fb214faf0a2040bd';

/** Sends as many events as asked, each with a campaign; ends with 0 when Kafka has them all. */
const NEXT_PRODUCER = `
import { connectProducer } from '@tally/producer';
const { TALLY_KAFKA, TALLY_TOPIC_PREFIX, TENANT, EVENTS, ENTITIES, AT } = process.env;
const tally = await connectProducer({ brokers: TALLY_KAFKA.split(','), topicPrefix: TALLY_TOPIC_PREFIX });
await Promise.all(Array.from({ length: Number(EVENTS) }, (_, index) => tally.email({
  tenantId: TENANT, environmentId: 'prod', entityType: 'contact', entityId: 'c-' + index % Number(ENTITIES),
  eventId: 'next-' + index, occurredAt: new Date(Number(AT)), campaignId: 'spring',
})));
await tally.close();
`;

let system: TestSystem;
let next: NextRelease;

beforeAll(async () => {
  next = nextRelease();
  writeFileSync(next.path('next-producer.ts'), NEXT_PRODUCER);
  system = await TestSystem.create('upgrade');
});

afterAll(async () => {
  await system.close();
  next.remove();
});

/** Sends events of this release until it is stopped; says how many Kafka has then. */
function oldTraffic(): { stop: () => Promise<number> } {
  const producer = system.producer();
  let going = true;
  let sent = 0;
  const sending = (async () => {
    for (; going; sent++) {
      const entityId = `c-${sent % ENTITIES}`;
      const identity = { tenantId: TENANT, environmentId: 'prod', entityType: 'contact', entityId } as const;
      await producer.sms({ ...identity, eventId: `old-${sent}`, occurredAt: new Date() });
    }
  })();
  const stop = async (): Promise<number> => {
    going = false;
    await sending;
    return sent;
  };
  return { stop };
}

function nextTally(...args: string[]): Promise<{ stdout: string }> {
  return run(process.execPath, [next.path('services/cli/bin/tally.js'), ...args], {
    env: { ...process.env, ...system.env },
  });
}

async function post(gateway: ServiceProcess, id: string): Promise<number> {
  const data = { tenantId: TENANT, environmentId: 'prod', entityType: 'contact', entityId: 'c-1', channel: 'push' };
  const response = await fetch(`${gateway.url}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/cloudevents+json' },
    body: JSON.stringify({
      ...{ specversion: '1.0', type: 'tally.interaction.v1', source: '/test', id, time: new Date().toISOString() },
      data: { ...data, campaignId: 'spring' },
    }),
  });
  return response.status;
}

/** Rows of the tenant by whether they have a campaign, of those sent by the next release. */
async function campaigns(): Promise<{ with: number; without: number }> {
  const { known, unknown } = await system.clickhouse.queryOne<{ known: string; unknown: string }>(
    `SELECT countIf(campaign_id = 'spring') AS known, countIf(campaign_id = '') AS unknown
     FROM interactions FINAL WHERE tenant_id = {tenant:String} AND event_id LIKE 'next-%'`,
    { tenant: TENANT },
  );
  return { with: Number(known), without: Number(unknown) };
}

async function metered(): Promise<number> {
  const { total } = await system.clickhouse.queryOne<{ total: string }>(
    `SELECT toString(bitmapCardinality(groupBitmapMergeState(counted))) AS total FROM daily_interactions
     WHERE tenant_id = {tenant:String}`,
    { tenant: TENANT },
  );
  return Number(total);
}

async function recordsOfNext(): Promise<number> {
  let records = 0;
  await readTopic(system, system.topics.interactions, ({ value }) => {
    if (value?.toString('hex', 0, 10) !== V1) records++;
  });
  return records;
}

describe('an upgrade while events come', () => {
  it('loses nothing, counts nothing twice and refuses nothing, with both releases at work', async () => {
    const oldConsumer = await system.service('consumer/main.ts');
    const oldGateway = await system.service('gateway/main.ts');
    const traffic = oldTraffic();

    const { stdout } = await nextTally('migrate');
    expect(stdout).toContain('9000_campaigns.sql');
    // Producers first: nobody of the next release consumes yet.
    const nextGateway = await system.service(next.path('services/gateway/main.ts'));
    const { TALLY_KAFKA = '', TALLY_TOPIC_PREFIX = '' } = system.env;
    const env = {
      ...process.env,
      TALLY_KAFKA,
      TALLY_TOPIC_PREFIX,
      TENANT,
      ENTITIES: String(ENTITIES),
      AT: String(Date.now()),
    };
    await run(process.execPath, [next.path('next-producer.ts')], { env: { ...env, EVENTS: String(EVENTS_OF_NEXT) } });
    expect(await post(nextGateway, 'next-gateway')).toBe(202);
    // A gateway takes what it can pass on whole: its senders have the new field once it is of the next release.
    expect(await post(oldGateway, 'old-gateway')).toBe(400);
    const sentByNext = EVENTS_OF_NEXT + 1;
    await eventually(async () => expect((await campaigns()).without).toBe(sentByNext));

    // Old and new consumers share the partitions; the same events sent again are duplicates, whoever gets them.
    await system.service(next.path('services/consumer/main.ts'));
    await run(process.execPath, [next.path('next-producer.ts')], {
      env: { ...env, EVENTS: String(2 * EVENTS_OF_NEXT) },
    });
    await eventually(async () => {
      const now = await campaigns();
      expect(now.with + now.without).toBe(2 * EVENTS_OF_NEXT + 1);
    });
    const shared = await campaigns();
    expect(shared.with).toBeGreaterThan(0);
    expect(shared.without).toBeGreaterThan(sentByNext);

    await oldConsumer.stop();
    const sentByOld = await traffic.stop();
    await system.caughtUp();
    expect(sentByOld).toBeGreaterThan(0);
    expect(await system.deadLetters()).toEqual([]);
    expect(await recordsOfNext()).toBe(3 * EVENTS_OF_NEXT + 1);
    expect(await metered()).toBe(2 * EVENTS_OF_NEXT + 1 + sentByOld);
    expect(await system.outcomes()).toMatchObject({ duplicate: EVENTS_OF_NEXT });
    expect(await system.outcomes()).not.toHaveProperty('conflicting');
  });

  it('is proved by the recount of this release, which reads the announcement too', async () => {
    const { exitCode, stdout } = await tallyWith(system.env, 'ledger', '--verify', '--json');
    expect(exitCode, stdout).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ verified: true, differences: [] });
  });

  it('is whole once the next release has replayed the log: what old consumers left out is there', async () => {
    const before = await metered();
    await nextTally('replay');
    expect(await campaigns()).toEqual({ with: 2 * EVENTS_OF_NEXT + 1, without: 0 });
    expect(await metered()).toBe(before);
  });

  it('takes no announcement for more than it is: a schema nobody announced is refused by both', async () => {
    const key = Buffer.from(
      entityKey({ tenantId: TENANT, environmentId: 'prod', entityType: 'contact', entityId: 'x' }),
    );
    const value = Buffer.from('c3010102030405060708', 'hex');
    await system.sender.send([{ topic: system.topics.interactions, key, value }]);
    await system.caughtUp();
    expect((await system.deadLetters()).map(({ headers }) => headers['reason'])).toEqual(['unknown-schema']);
  });
});
