/**
 * Traces, as a collector gets them from real processes: from a request to the gateway through Kafka to the insert.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readTopic, type StoredRecord } from '@tally/platform/kafka';
import { entityKey } from '@tally/schemas';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { interaction } from '../support/interaction.ts';
import {
  ADMIN_KEY,
  eventually,
  fewestPartitions,
  freshTenant,
  type ServiceProcess,
  TestSystem,
} from '../support/system.ts';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from './otlp-receiver.ts';

const KIND = { server: 2, client: 3, producer: 4, consumer: 5 };
const tenantId = freshTenant('traced');

interface Caller {
  traceId: string;
  spanId: string;
  header: string;
}

function caller({ sampled }: { sampled: boolean }): Caller {
  const traceId = randomBytes(16).toString('hex');
  const spanId = randomBytes(8).toString('hex');
  return { traceId, spanId, header: `00-${traceId}-${spanId}-0${sampled ? 1 : 0}` };
}

async function post(gateway: ServiceProcess, id: string, headers: Record<string, string>): Promise<void> {
  const event = {
    specversion: '1.0',
    type: 'tally.interaction.v1',
    source: '/test',
    id,
    time: '2026-03-01T12:00:00Z',
    data: { tenantId, environmentId: 'prod', entityType: 'contact', entityId: 'c-1', channel: 'email' },
  };
  const response = await fetch(`${gateway.url}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/cloudevents+json', ...headers },
    body: JSON.stringify(event),
  });
  expect(response.status).toBe(202);
}

async function recordsOf(system: TestSystem): Promise<StoredRecord[]> {
  const records: StoredRecord[] = [];
  await readTopic({ kafka: system.kafka, admin: system.admin }, system.topics.interactions, (record) => {
    records.push(record);
  });
  return records;
}

describe('tracing, when it is on', () => {
  const first = caller({ sampled: true });
  const second = caller({ sampled: true });
  const unsampled = caller({ sampled: false });
  const refused = caller({ sampled: true });
  let system: TestSystem;
  let receiver: OtlpReceiver;
  let gateway: ServiceProcess;
  let records: StoredRecord[];

  const named = (name: string, { traceId }: Caller): ReceivedSpan => {
    const found = receiver.spans.filter((span) => span.name === name && span.traceId === traceId);
    expect(found, `spans ${name}`).toHaveLength(1);
    return found[0] as ReceivedSpan;
  };

  beforeAll(async () => {
    system = await TestSystem.create('traced', { partitions: fewestPartitions() });
    receiver = await startOtlpReceiver();
    const env = {
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '100',
      TALLY_LOG_LEVEL: 'debug',
    };
    gateway = await system.service('gateway/main.ts', env);
    // All are in the log before it is read: they are one group.
    await post(gateway, 'event-1', { traceparent: first.header, tracestate: 'vendor=1' });
    await post(gateway, 'event-2', { traceparent: second.header });
    await post(gateway, 'event-3', { traceparent: unsampled.header });
    const key = Buffer.from(entityKey(interaction({ tenantId, entityId: 'c-1' })));
    const headers = { traceparent: refused.header };
    await system.sender.send([{ topic: system.topics.interactions, key, value: Buffer.from('x'), headers }]);
    records = await recordsOf(system);
    await system.service('consumer/main.ts', env);
    await system.caughtUp();
    await eventually(async () => named('write group', first));
    await eventually(async () => named(`process ${system.topics.interactions}`, refused));
  });

  afterAll(async () => {
    await system.close();
    receiver.close();
  });

  it('has the whole way of an event in the caller’s trace, each span under the one before it', () => {
    const { topics } = system;
    const request = named('POST /v1/events', first);
    const send = named(`send ${topics.interactions}`, first);
    const process = named(`process ${topics.interactions}`, first);
    const group = named('write group', first);
    expect(request).toMatchObject({ service: 'tally-gateway', kind: KIND.server, parentSpanId: first.spanId });
    expect(send).toMatchObject({ service: 'tally-gateway', kind: KIND.producer, parentSpanId: request.spanId });
    expect(process).toMatchObject({ service: 'tally-consumer', kind: KIND.consumer, parentSpanId: send.spanId });
    expect(group).toMatchObject({ service: 'tally-consumer', parentSpanId: process.spanId });
    for (const step of ['decode', 'dead-letters', 'look-up', 'insert', 'commit']) {
      expect(named(step, first), step).toMatchObject({ parentSpanId: group.spanId });
    }
    expect(named('clickhouse insert', first)).toMatchObject({
      kind: KIND.client,
      parentSpanId: named('insert', first).spanId,
    });
  });

  it('says what was sent where, as the conventions name it', () => {
    const { topics, groupId } = system;
    expect(named('POST /v1/events', first).attributes).toMatchObject({
      'http.request.method': 'POST',
      'http.route': '/v1/events',
      'http.response.status_code': 202,
    });
    expect(named(`send ${topics.interactions}`, first).attributes).toMatchObject({
      'messaging.system': 'kafka',
      'messaging.operation.type': 'send',
      'messaging.destination.name': topics.interactions,
      'messaging.batch.message_count': 1,
    });
    expect(named(`process ${topics.interactions}`, second).attributes).toMatchObject({
      'messaging.system': 'kafka',
      'messaging.operation.type': 'process',
      'messaging.destination.name': topics.interactions,
      'messaging.destination.partition.id': '0',
      'messaging.kafka.offset': 1,
      'messaging.consumer.group.name': groupId,
    });
  });

  it('links a group with every sampled record in it, and each of them with the group', () => {
    const name = `process ${system.topics.interactions}`;
    const group = named('write group', first);
    expect(group.attributes).toMatchObject({ 'messaging.batch.message_count': 4 });
    const sampled = [first, second, refused].map((one) => named(name, one));
    expect(group.links).toEqual(sampled.map(({ spanId }) => spanId));
    expect(sampled.slice(1).map(({ links }) => links)).toEqual([[group.spanId], [group.spanId]]);
  });

  it('says nothing of a request that its caller does not sample', () => {
    expect(receiver.spans.filter(({ traceId }) => traceId === unsampled.traceId)).toEqual([]);
  });

  it('carries the trace in headers of the record and leaves its key and value alone', async () => {
    const send = named(`send ${system.topics.interactions}`, first);
    const traceparent = `00-${first.traceId}-${send.spanId}-01`;
    expect(records.map(({ headers }) => headers)).toEqual([
      { traceparent, tracestate: 'vendor=1' },
      { traceparent: expect.stringContaining(second.traceId) },
      {},
      { traceparent: refused.header },
    ]);
    expect(records[0]?.key).toEqual(records[2]?.key);
    // The ids differ in one character; nothing else may.
    expect(records[0]?.value?.toString('latin1').replace('event-1', 'event-3')).toBe(
      records[2]?.value?.toString('latin1'),
    );
  });

  it('keeps a dead letter’s trace beside what it says of itself', async () => {
    const [letter] = await system.deadLetters();
    expect(letter?.headers).toEqual({
      reason: 'unknown-framing',
      detail: expect.any(String),
      topic: system.topics.interactions,
      epoch: expect.any(String),
      partition: '0',
      offset: '3',
      service: 'consumer',
      traceparent: refused.header,
    });
  });

  it('says in a log line under which span it was written', () => {
    const lines = readFileSync(gateway.logFile, 'utf8').trim().split('\n');
    const done = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request done');
    const { spanId } = named('POST /v1/events', first);
    expect(done).toContainEqual(expect.objectContaining({ trace_id: first.traceId, span_id: spanId }));
  });

  it('exports protobuf where nothing else is asked for, requests of the api too', async () => {
    const env = {
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_BSP_SCHEDULE_DELAY: '100',
    };
    const api = await system.service('api/main.ts', env);
    const asker = caller({ sampled: true });
    const headers = { authorization: `Bearer ${ADMIN_KEY}`, traceparent: asker.header };
    await fetch(`${api.url}/v1/tenants/${tenantId}/interactions?from=2026-03&to=2026-03`, { headers });
    await eventually(async () => {
      const bodies = Buffer.concat(receiver.protobuf);
      expect(bodies.includes(Buffer.from(asker.traceId, 'hex'))).toBe(true);
      expect(bodies.includes('clickhouse query')).toBe(true);
      expect(bodies.includes(tenantId)).toBe(false);
    });
  });
});

describe('tracing, when it is off', () => {
  it('adds no header, exports nothing, and counts the same', async () => {
    const system = await TestSystem.create('untraced', { partitions: fewestPartitions() });
    const receiver = await startOtlpReceiver();
    try {
      const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: '10' };
      const gateway = await system.service('gateway/main.ts', env);
      const consumer = await system.service('consumer/main.ts', env);
      await post(gateway, 'event-1', { traceparent: caller({ sampled: true }).header });
      await system.caughtUp();
      expect((await recordsOf(system)).map(({ headers }) => headers)).toEqual([{}]);
      expect(await system.outcomes()).toEqual({ counted: 1 });
      // Whatever they still held would be exported now.
      await gateway.stop();
      await consumer.stop();
      expect([receiver.spans, receiver.protobuf]).toEqual([[], []]);
    } finally {
      await system.close();
      receiver.close();
    }
  });
});
