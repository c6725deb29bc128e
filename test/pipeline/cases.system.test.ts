/**
 * Every worked case of the rules, through the real pipeline: producer or gateway → Kafka → consumer → ClickHouse →
 * aggregator → api.
 */
import { CLOUD_EVENT_TYPES, type TallyRecord } from '@tally/schemas';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { meterCases, recordsOf } from '../support/cases.ts';
import { ADMIN_KEY, TestSystem } from '../support/system.ts';

const cases = meterCases().map((one, index) => ({ ...one, index }));

describe.each(['client', 'gateway'])('worked cases sent through the %s', (way) => {
  let system: TestSystem;
  let ask: Awaited<ReturnType<TestSystem['api']>>;

  beforeAll(async () => {
    system = await TestSystem.create(`cases_${way}`);
    ask = await system.api();
    await system.consumer();
    const send = way === 'client' ? clientOf(system) : await gatewayOf(system);
    for (const one of cases) {
      for (const record of recordsOf(one, (tenantId) => `${tenantId}-${one.index}`)) await send(record);
    }
    await system.caughtUp();
    await system.aggregate();
  });

  afterAll(() => system.close());

  it.each(cases)('$name', async ({ index, expect: expectations }) => {
    for (const expectation of expectations) {
      const path = `/v1/tenants/${expectation.tenantId}-${index}`;
      switch (expectation.meter) {
        case 'interactions': {
          const { month, byChannel, policy = 'all' } = expectation;
          const { body } = await ask(`${path}/interactions?from=${month}&to=${month}&policy=${policy}`);
          const total = Object.values(byChannel).reduce((sum, count) => sum + count, 0);
          expect(body).toMatchObject({ months: [{ month, total }], policy });
          expect((body as { months: [{ byChannel: object }] }).months[0].byChannel).toEqual(byChannel);
          break;
        }
        case 'engaged': {
          const { asOf, total, policy = 'all' } = expectation;
          const { body } = await ask(`${path}/engaged?asOf=${asOf}&policy=${policy}`);
          expect(body).toMatchObject({ day: asOf, total, policy });
          break;
        }
        case 'unified': {
          const { body } = await ask(`${path}/unified`);
          const total = Object.values(expectation.byEnvironment).reduce((sum, count) => sum + count, 0);
          expect(body).toMatchObject({ total, byEnvironment: expectation.byEnvironment });
        }
      }
    }
  });
});

function clientOf(system: TestSystem): (record: TallyRecord) => Promise<void> {
  const producer = system.producer();
  return (record) => producer.send(record);
}

async function gatewayOf(system: TestSystem): Promise<(record: TallyRecord) => Promise<void>> {
  const { url } = await system.service('gateway/main.ts');
  return async (record) => {
    const response = await fetch(`${url}/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/cloudevents+json' },
      body: JSON.stringify(cloudEventOf(record)),
    });
    expect(response.status).toBe(202);
  };
}

function cloudEventOf(record: TallyRecord): object {
  const envelope = { specversion: '1.0', source: '/cases' };
  switch (record.schema) {
    case 'Interaction': {
      const { eventId, occurredAt, ...data } = record.value;
      const time = new Date(occurredAt).toISOString();
      return { ...envelope, type: CLOUD_EVENT_TYPES.interaction, id: eventId, time, data };
    }
    case 'InteractionVoided': {
      const { eventId, voidedAt, ...data } = record.value;
      const time = new Date(voidedAt).toISOString();
      return { ...envelope, type: CLOUD_EVENT_TYPES.voided, id: eventId, time, data };
    }
    case 'ProfileRecord': {
      const { changedAt, ...data } = record.value;
      const time = new Date(changedAt).toISOString();
      return { ...envelope, type: CLOUD_EVENT_TYPES.profile, id: `${data.source}-${changedAt}`, time, data };
    }
  }
}
