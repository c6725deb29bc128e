import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLOUD_EVENT_TYPES, cloudEventSchema, defaultDirection, recordOfCloudEvent } from './cloud-events.ts';
import { CHANNELS, type TallyRecord } from './records.ts';

const entity = { tenantId: 'contoso', environmentId: 'prod', entityType: 'contact', entityId: 'c-1' };
const DATA = {
  interaction: { ...entity, channel: 'email' },
  voided: { ...entity, reason: 'sent in error' },
  profile: { tenantId: 'contoso', environmentId: 'prod', source: 'crm', recordId: 'r-1' },
};

type Kind = keyof typeof DATA;
const KINDS = Object.keys(DATA) as Kind[];

function event(kind: Kind, change: object = {}, data: object = {}): object {
  return {
    specversion: '1.0',
    id: 'e-1',
    source: '/journeys/7',
    type: CLOUD_EVENT_TYPES[kind],
    time: '2026-01-15T12:00:00Z',
    data: { ...DATA[kind], ...data },
    ...change,
  };
}

function accepts(input: object): boolean {
  return cloudEventSchema.safeParse(input).success;
}

function recordOf(input: object): TallyRecord {
  return recordOfCloudEvent(cloudEventSchema.parse(input));
}

const NOON = Date.UTC(2026, 0, 15, 12);

describe('recordOfCloudEvent', () => {
  it('makes an interaction, its id and time taken from the envelope', () => {
    const data = { direction: 'inbound', journeyId: 'j-1', provider: 'acme' };
    expect(recordOf(event('interaction', {}, data))).toEqual({
      schema: 'Interaction',
      value: { eventId: 'e-1', ...DATA.interaction, ...data, occurredAt: NOON },
    });
  });

  it('makes a void', () => {
    const value = { eventId: 'e-1', ...DATA.voided, voidedAt: NOON };
    expect(recordOf(event('voided'))).toEqual({ schema: 'InteractionVoided', value });
  });

  it('makes a profile record, an upsert without identifiers unless it says otherwise', () => {
    const value = { ...DATA.profile, operation: 'upsert', identifiers: [], changedAt: NOON };
    expect(recordOf(event('profile'))).toEqual({ schema: 'ProfileRecord', value });
    const given = { operation: 'delete', identifiers: [{ kind: 'email', value: 'a@x.io' }] };
    expect(recordOf(event('profile', {}, given))).toEqual({ schema: 'ProfileRecord', value: { ...value, ...given } });
  });

  it.each(CHANNELS)('gives an interaction on channel %s the direction it has when none is said', (channel) => {
    const expected = channel === 'form_submission' ? 'inbound' : 'outbound';
    expect(defaultDirection(channel)).toBe(expected);
    expect(recordOf(event('interaction', {}, { channel })).value).toMatchObject({ direction: expected });
  });

  it.each([{}, { journeyId: null, provider: null }])('leaves out what is left out or null: %j', (data) => {
    expect(recordOf(event('interaction', {}, data)).value).toMatchObject({ journeyId: null, provider: null });
  });

  it.each([
    ['2026-01-15T12:00:00Z', NOON],
    ['2026-01-15T12:00:00.5Z', NOON + 500],
    ['2026-01-15T12:00:00.999999999Z', NOON + 999],
    ['2026-01-15T13:00:00+01:00', NOON],
    ['2026-01-15T06:30:00-05:30', NOON],
    ['2026-01-16T02:00:00+14:00', NOON],
    ['2026-01-31T23:30:00-01:00', Date.UTC(2026, 1, 1, 0, 30)],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
    ['1970-01-01T00:00:00Z', 0],
  ])('reads the time %s', (time, at) => {
    expect(recordOf(event('voided', { time })).value).toMatchObject({ voidedAt: at });
  });

  it('reads every time of every offset that the envelope lets in', () => {
    const minutes = fc.integer({ min: -(14 * 60), max: 14 * 60 });
    const at = fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2099, 0, 1) });
    fc.assert(
      fc.property(at, minutes, (moment, offset) => {
        const local = new Date(moment + offset * 60_000).toISOString().slice(0, -1);
        const two = (part: number): string => String(Math.floor(part)).padStart(2, '0');
        const zone = `${offset < 0 ? '-' : '+'}${two(Math.abs(offset) / 60)}:${two(Math.abs(offset) % 60)}`;
        expect(recordOf(event('voided', { time: local + zone })).value).toMatchObject({ voidedAt: moment });
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('cloudEventSchema', () => {
  it.each([
    '2026-01-15',
    '2026-01-15T12:00:00',
    '2026-02-29T12:00:00Z',
    '2026-13-01T12:00:00Z',
    '2026-01-15T24:00:01Z',
    '2026-01-15T12:00:00+25:00',
    'yesterday',
    '',
    1_768_478_400_000,
    null,
  ])('refuses the time %j', (time) => {
    expect(accepts(event('interaction', { time }))).toBe(false);
  });

  it.each(KINDS)('lets extension attributes of a %s event pass', (kind) => {
    expect(accepts(event(kind, { traceparent: '00-ab-cd-01', subject: 'x' }))).toBe(true);
  });

  it.each(KINDS)('refuses fields that the data of a %s event does not have', (kind) => {
    expect(accepts(event(kind, {}, { eventId: 'e-1' }))).toBe(false);
    expect(accepts(event(kind, {}, { occurredAt: 0 }))).toBe(false);
  });

  it('refuses fields that an identifier does not have', () => {
    const identifiers = [{ kind: 'email', value: 'a@x.io', verified: true }];
    expect(accepts(event('profile', {}, { identifiers }))).toBe(false);
  });

  it.each(KINDS.flatMap((kind) => Object.keys(DATA[kind]).map((field) => [field, kind] as const)))(
    'refuses data without %s in a %s event',
    (field, kind) => {
      expect(accepts(event(kind, {}, { [field]: undefined }))).toBe(false);
    },
  );

  it.each(['specversion', 'id', 'source', 'type', 'time', 'data'])('refuses an envelope without %s', (attribute) => {
    for (const kind of KINDS) expect(accepts(event(kind, { [attribute]: undefined }))).toBe(false);
  });

  it.each([
    [{ specversion: '0.3' }, {}],
    [{ id: '' }, {}],
    [{ source: '' }, {}],
    [{ type: 'tally.interaction.v2' }, {}],
    [{ data: 'text' }, {}],
    [{}, { channel: 'pigeon' }],
    [{}, { channel: 'EMAIL' }],
    [{}, { direction: 'sideways' }],
    [{}, { direction: null }],
    [{}, { entityType: 'company' }],
    [{}, { entityId: 7 }],
  ])('refuses %j with data %j', (change, data) => {
    expect(accepts(event('interaction', change, data))).toBe(false);
  });

  it.each([
    ['application/json', true],
    ['application/json; charset=utf-8', true],
    ['application/vnd.acme+json', true],
    ['APPLICATION/JSON', true],
    [null, true],
    ['text/plain', false],
    ['application/jsonp', false],
    ['application/xml', false],
  ])('the content type %s: accepted is %s', (datacontenttype, accepted) => {
    expect(accepts(event('interaction', { datacontenttype }))).toBe(accepted);
  });
});
