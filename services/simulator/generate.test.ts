import { createHash } from 'node:crypto';
import {
  cloudEventSchema,
  decodeRecord,
  encodeRecord,
  entityKey,
  faultOf,
  recordKey,
  recordOfCloudEvent,
  topicNames,
  topicOf,
} from '@tally/schemas';
import { describe, expect, test } from 'vitest';
import { cloudEventOf } from './cloud-event.ts';
import { generateSends } from './generate.ts';
import { MALFORMED_KINDS } from './malformed.ts';
import { REFUSED_KINDS } from './refused.ts';
import type { RawSend, Send } from './sends.ts';
import { Truth } from './truth.ts';

const until = new Date('2026-06-17T15:30:00Z');
const seed = Math.floor(Math.random() * 2 ** 31);
const EVENTS = 30_000;

function streamHash(options: Parameters<typeof generateSends>[0]): string {
  const hash = createHash('sha256');
  for (const send of generateSends(options)) {
    hash.update(JSON.stringify(send));
    if (send.kind === 'record') hash.update(encodeRecord(send.record));
  }
  return hash.digest('hex');
}

describe(`seed ${seed}`, () => {
  const sends = [...generateSends({ seed, events: EVENTS, until })];
  const records = sends.flatMap((send) => (send.kind === 'record' ? [send.record] : []));
  const interactions = records.flatMap((record) => (record.schema === 'Interaction' ? [record.value] : []));
  const raws = sends.filter((send) => send.kind === 'raw');
  const truth = new Truth();
  for (const send of sends) truth.add(send);

  test('the same options give the same sends, byte for byte, another seed gives others', () => {
    const options = { seed, events: 3_000, until };
    expect(streamHash(options)).toBe(streamHash(options));
    expect(streamHash({ ...options, seed: seed + 1 })).not.toBe(streamHash(options));
  });

  test('events are all sends to the interactions topic, the others come on top', () => {
    const { counted, duplicate, conflicting, void: voids, suppressed, deadLetter } = truth.outcomes();
    expect(counted + duplicate + conflicting + voids + suppressed + deadLetter).toBe(EVENTS);
    const profiles = sends.filter((send) => isOnProfiles(send)).length;
    expect(profiles / EVENTS).toBeCloseTo(1 / 8, 1);
    expect(truth.refused()).toBe(sends.filter((send) => send.kind === 'refused').length);
    expect(truth.refused()).toBeGreaterThan(EVENTS / 4_000);
    expect(truth.refused()).toBeLessThan(EVENTS / 400);
  });

  test('the mix is as announced', () => {
    const { duplicate, conflicting, void: voids, suppressed, deadLetter } = truth.outcomes();
    expect((duplicate + conflicting) / EVENTS).toBeCloseTo(0.053, 2);
    const retimed = conflicting / (duplicate + conflicting);
    expect(retimed).toBeGreaterThan(0.25);
    expect(retimed).toBeLessThan(0.4);
    expect(voids / EVENTS).toBeCloseTo(0.0085, 2);
    expect(suppressed).toBeGreaterThan(EVENTS / 2_000);
    expect(deadLetter / EVENTS).toBeCloseTo(0.002, 2);
    const emails = interactions.filter(({ channel }) => channel === 'email').length;
    expect(emails / interactions.length).toBeGreaterThan(0.55);
    expect(new Set(interactions.map(({ channel }) => channel)).size).toBe(6);
    const entities = new Set(interactions.map(entityKey)).size;
    expect(interactions.length / entities).toBeGreaterThan(4);
  });

  test('some events arrive twice with a month’s end between their timestamps', () => {
    const months = new Map<string, Set<string>>();
    for (const interaction of interactions) {
      const id = `${entityKey(interaction)} ${interaction.eventId}`;
      const month = new Date(interaction.occurredAt).toISOString().slice(0, 7);
      months.set(id, (months.get(id) ?? new Set()).add(month));
    }
    expect([...months.values()].filter(({ size }) => size > 1).length).toBeGreaterThan(EVENTS / 1_000);
  });

  test('events lie in 14 months, none after the end, mostly in order and some late', () => {
    const times = interactions.map(({ occurredAt }) => occurredAt);
    const latest = times.reduce((a, b) => Math.max(a, b));
    expect(times.reduce((a, b) => Math.min(a, b))).toBeGreaterThanOrEqual(Date.UTC(2025, 4, 1));
    expect(latest).toBeLessThanOrEqual(until.getTime());
    expect(new Set(times.map((time) => new Date(time).toISOString().slice(0, 7))).size).toBe(14);
    let high = 0;
    let late = 0;
    for (const time of times) {
      if (time < high - 24 * 3600 * 1000) late++;
      high = Math.max(high, time);
    }
    expect(late / times.length).toBeGreaterThan(0.02);
    expect(late / times.length).toBeLessThan(0.12);
  });

  test('tenants differ in size and each has one to four environments', () => {
    const environments = new Map<string, Set<string>>();
    const sizes = new Map<string, number>();
    for (const { tenantId, environmentId } of interactions) {
      environments.set(tenantId, (environments.get(tenantId) ?? new Set()).add(environmentId));
      sizes.set(tenantId, (sizes.get(tenantId) ?? 0) + 1);
    }
    expect([...environments.keys()].sort()).toEqual(truth.tenants());
    expect(environments.size).toBe(5);
    for (const { size } of environments.values()) expect(size).toBeLessThanOrEqual(4);
    expect(sizes.get('contoso') ?? 0).toBeGreaterThan(3 * (sizes.get('woodgrove') ?? 0));
  });

  test('everything with one key goes one lane, and about half of the entities each', () => {
    const lanes = new Map<string, string>();
    for (const send of sends) {
      if (send.kind !== 'record') continue;
      const key = recordKey(send.record);
      expect(lanes.get(key) ?? send.lane).toBe(send.lane);
      lanes.set(key, send.lane);
    }
    const client = [...lanes.values()].filter((lane) => lane === 'client').length;
    expect(client / lanes.size).toBeGreaterThan(0.45);
    expect(client / lanes.size).toBeLessThan(0.55);
  });

  test('whatever goes through the client or the gateway is valid', () => {
    expect(records.map((record) => faultOf(record, until.getTime())).filter((fault) => fault)).toEqual([]);
  });

  test('a record’s CloudEvent stands for the same record', () => {
    for (const record of records.slice(0, 5_000)) {
      expect(recordOfCloudEvent(cloudEventSchema.parse(cloudEventOf(record)))).toEqual(record);
    }
  });

  test('unified groups stay small and join records of different sources', () => {
    for (const { total, records: live } of truth.unified().values()) {
      expect(live / total).toBeGreaterThan(1.2);
      expect(live / total).toBeLessThan(4);
    }
  });

  test('malformed records show every fault in turn and have the reason that the rules give them', () => {
    const on = (topic: string) => raws.filter(({ raw }) => raw.topic === topic).length;
    expect(on('interactions')).toBeGreaterThan(MALFORMED_KINDS.interactions);
    for (const send of raws) expect(reasonOf(send)).toBe(send.raw.reason);
  });

  test('refused requests break a rule each', () => {
    const refused = sends.flatMap((send) => (send.kind === 'refused' ? [send.refused] : []));
    expect(new Set(refused.map(({ rule }) => rule)).size).toBe(Math.min(REFUSED_KINDS, refused.length));
    for (const { cloudEvent, rule } of refused) {
      const parsed = cloudEventSchema.safeParse(cloudEvent);
      const isFaulty = !parsed.success || faultOf(recordOfCloudEvent(parsed.data), until.getTime()) !== undefined;
      expect(isFaulty, rule).toBe(true);
    }
  });
});

test('every kind of malformed profile record has its reason', () => {
  const sends = [...generateSends({ seed, events: 200_000, until, tenants: 1 })];
  const raws = sends.filter((send) => send.kind === 'raw').filter(({ raw }) => raw.topic === 'profiles');
  expect(raws.length).toBeGreaterThan(MALFORMED_KINDS.profiles);
  for (const send of raws) expect(reasonOf(send)).toBe(send.raw.reason);
});

test('more tenants than names get names of their own', () => {
  const truth = new Truth();
  for (const send of generateSends({ seed, events: 20_000, until, tenants: 30 })) truth.add(send);
  expect(truth.tenants()).toHaveLength(30);
});

test.each([{ seed: 0.5 }, { events: -1 }, { tenants: 0 }, { until: new Date(Number.NaN) }])(
  'options that make no sense are refused: %o',
  (wrong) => {
    const options = { seed: 1, events: 1, until, ...wrong };
    expect(() => generateSends(options).next()).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
  },
);

function isOnProfiles(send: Send): boolean {
  if (send.kind === 'raw') return send.raw.topic === 'profiles';
  return send.kind === 'record' && send.record.schema === 'ProfileRecord';
}

/** The reason the rules of the schemas give, had the record arrived at the end of the stream. */
function reasonOf({ raw: { topic, key, value } }: RawSend): string {
  const decoded = decodeRecord(value);
  if (!decoded.ok) return decoded.fault.reason;
  const { record } = decoded;
  const topics = topicNames();
  if (topicOf(topics, record.schema) !== topics[topic]) return 'wrong-topic';
  const fault = faultOf(record, until.getTime());
  if (fault) return fault.reason;
  if (key === null) return 'missing-key';
  return key.toString() === recordKey(record) ? 'none' : 'key-mismatch';
}
