/**
 * Events for the gateway: valid ones, and what a careless or hostile sender makes of them.
 */
import type { Random } from './random.ts';

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Fields = { [name: string]: Json };

const AT = Date.UTC(2026, 0, 1);
const SPREAD_MS = 300 * 86_400_000;

/** A valid event; its id is unique within the run. */
export function validEvent(random: Random, id: string): Fields {
  const place = { tenantId: random.pick(['contoso', 'fabrikam']), environmentId: 'prod' };
  const entity = { ...place, entityType: random.pick(['contact', 'lead', 'other']), entityId: `c-${random.int(500)}` };
  const envelope = {
    specversion: '1.0',
    source: '/fuzz',
    id,
    time: new Date(AT - random.int(SPREAD_MS)).toISOString(),
  };
  const kind = random.int(10);
  if (kind === 0) {
    return { ...envelope, type: 'tally.interaction.voided.v1', data: { ...entity, reason: 'fuzz' } };
  }
  if (kind === 1) {
    const identifiers = [{ kind: 'email', value: `p${random.int(500)}@contoso.com` }];
    const data = { ...place, source: 'crm', recordId: `r-${random.int(500)}`, operation: 'upsert', identifiers };
    return { ...envelope, type: 'tally.profile.v1', data };
  }
  const channel = random.pick(['email', 'sms', 'push', 'voice', 'form_submission', 'custom']);
  return { ...envelope, type: 'tally.interaction.v1', data: { ...entity, channel } };
}

const WEIRD: readonly Json[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e308,
  -(2 ** 60),
  '',
  ' ',
  '0',
  'null',
  'é',
  '顧客',
  '\u0000',
  'a\nb',
  '\ud800',
  '\ufffd',
  '__proto__',
  'constructor',
  'toString',
  '../../etc/passwd',
  '%{jndi:x}',
  '2026-01-01',
  '2014-12-31T23:59:59Z',
  '2100-01-01T00:00:00Z',
  '2026-02-30T00:00:00Z',
  '+275760-09-13T00:00:00Z',
  '2026-01-01T00:00:00+99:99',
  'tally.interaction.v2',
  'x'.repeat(128),
  'x'.repeat(129),
  'é'.repeat(65),
  'x'.repeat(20_000),
  {},
  [],
  [[]],
  [null],
  { a: {} },
  Array.from({ length: 2_000 }, () => 0),
  Array.from({ length: 500 }, () => ({ kind: 'email', value: 'a@b' })),
];

const NAMES = [
  'id',
  'type',
  'time',
  'data',
  'source',
  'specversion',
  'datacontenttype',
  'dataschema',
  'subject',
  '__proto__',
  'x',
];

/** The event with one to four of its fields changed, removed, added, or put elsewhere. */
export function mutatedEvent(event: Fields, random: Random): Json {
  if (random.chance(0.02)) return random.pick(WEIRD);
  const root = structuredClone(event);
  for (let left = 1 + random.int(4); left > 0; left--) {
    const data = root['data'];
    const target = random.chance(0.6) && isFields(data) ? data : root;
    const names = Object.keys(target);
    const name = names.length > 0 && random.chance(0.85) ? random.pick(names) : random.pick(NAMES);
    const change = random.int(10);
    if (change === 0) delete target[name];
    else if (change === 1) set(target, random.pick(NAMES), Object.hasOwn(target, name) ? (target[name] ?? null) : null);
    else if (change === 2) set(target, name, nested(random.int(200), random));
    else set(target, name, random.pick(WEIRD));
  }
  return root;
}

/** An own member, also when it is called `__proto__`; a copy, since a later mutation may change what is in it. */
function set(target: Fields, name: string, value: Json): void {
  Object.defineProperty(target, name, {
    value: structuredClone(value),
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

function nested(depth: number, random: Random): Json {
  let value: Json = 'deep';
  for (let left = depth; left > 0; left--) value = random.chance(0.5) ? [value] : { a: value };
  return value;
}

function isFields(value: Json | undefined): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Bytes changed without a look at what they mean. */
export function mutatedBytes(bytes: Buffer, random: Random): Buffer {
  let out = Buffer.from(bytes);
  for (let left = 1 + random.int(4); left > 0; left--) {
    const at = random.int(out.length + 1);
    const to = Math.min(out.length, at + random.int(40));
    switch (random.int(6)) {
      case 0:
        if (at < out.length) out[at] = (out[at] ?? 0) ^ (1 << random.int(8));
        break;
      case 1:
        out = Buffer.from(out.subarray(0, at));
        break;
      case 2:
        out = Buffer.concat([out.subarray(0, at), out.subarray(to)]);
        break;
      case 3:
        out = Buffer.concat([out.subarray(0, to), out.subarray(at, to), out.subarray(to)]);
        break;
      case 4:
        out = Buffer.concat([out.subarray(0, at), random.bytes(1 + random.int(16)), out.subarray(at)]);
        break;
      default:
        out = Buffer.concat([out.subarray(0, at), Buffer.from(random.pick(TOKENS)), out.subarray(at)]);
    }
  }
  return out;
}

const TOKENS = [
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '\\u',
  '\\ud83d',
  'null',
  '1e999',
  '-',
  '\ufeff',
  '\0',
  '"id":1,',
  '/*',
  '\r\n',
  '%00',
  '%',
];

/** JSON that parsers are known to stumble over. */
export function hostileJson(random: Random): Buffer {
  const depth = 10_000 + random.int(40_000);
  return Buffer.from(
    random.pick([
      () => '['.repeat(depth),
      () => '['.repeat(depth) + ']'.repeat(depth),
      () => '{"a":'.repeat(depth),
      () => `[${'{},'.repeat(random.int(300))}{}]`,
      () => `{"id":"a","id":"b","data":{},"data":[]}`,
      () => `"${'\\u0000'.repeat(1_000)}"`,
      () => `1${'0'.repeat(20_000)}`,
      () => ' '.repeat(20_000),
      () => 'NaN',
    ])(),
  );
}
