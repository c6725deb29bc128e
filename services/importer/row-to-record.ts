/**
 * From a row's fields to the record they stand for, or why there is none. Pure; never throws. Nothing is made up: a row
 * without an event id or a time is refused, since a repetition of the import could not be told from new events.
 */
import {
  CHANNELS,
  CLOUD_EVENT_TYPES,
  cloudEventSchema,
  DIRECTIONS,
  defaultDirection,
  ENTITY_TYPES,
  faultOf,
  PROFILE_OPERATIONS,
  recordOfCloudEvent,
  type TallyRecord,
} from '@tally/schemas';
import { z } from 'zod';
import { canonicalName, identifierKind, ROW_FIELDS, type RowType } from './row-fields.ts';
import type { Refusal } from './source-row.ts';

export type Mapped = { ok: true; record: TallyRecord } | ({ ok: false } & Refusal);

export interface MapOptions {
  /** What a row is that does not say so itself. */
  type: RowType;
  /** Leave fields out that no record has, instead of refusing the row. */
  ignoreUnknown: boolean;
}

const DETAIL_CHARS_MAX = 200;
const TIME_RULE = 'must be ISO 8601 with an offset, or milliseconds since 1970';

const isoTime = z.iso.datetime({ offset: true });
const wholeMillis = z.string().regex(/^-?\d{1,16}$/);

/** Milliseconds UTC of ISO 8601 text, of a number or its digits, or of a date that the format itself knows. */
const instant = z.unknown().transform((value, context): number => {
  const millis = millisOf(value);
  if (millis !== undefined && Number.isSafeInteger(millis)) return millis;
  context.addIssue(TIME_RULE);
  return z.NEVER;
});

const entity = {
  eventId: z.string(),
  tenantId: z.string(),
  environmentId: z.string(),
  entityType: z.enum(ENTITY_TYPES),
  entityId: z.string(),
};

const shapes = {
  interaction: z.object({
    ...entity,
    channel: z.enum(CHANNELS),
    direction: z.enum(DIRECTIONS).optional(),
    occurredAt: instant,
    journeyId: z.string().optional(),
    provider: z.string().optional(),
  }),
  void: z.object({ ...entity, voidedAt: instant, reason: z.string() }),
  profile: z.object({
    tenantId: z.string(),
    environmentId: z.string(),
    source: z.string(),
    recordId: z.string(),
    operation: z.enum(PROFILE_OPERATIONS).default('upsert'),
    identifiers: z.array(z.strictObject({ kind: z.string(), value: z.string() })),
    changedAt: instant,
  }),
};

/** What `type` may say, in a plain row too. */
const TYPE_NAMES: ReadonlyMap<unknown, RowType> = new Map<unknown, RowType>([
  ['interaction', 'interaction'],
  ['void', 'void'],
  ['profile', 'profile'],
  [CLOUD_EVENT_TYPES.interaction, 'interaction'],
  [CLOUD_EVENT_TYPES.voided, 'void'],
  [CLOUD_EVENT_TYPES.profile, 'profile'],
]);

/**
 * The record of a row. A row with `specversion` is a CloudEvent as the gateway takes it.
 * @param now this machine's clock, milliseconds UTC; the broker's is asked again when the record is counted
 */
export function recordOfRow(fields: Readonly<Record<string, unknown>>, options: MapOptions, now: number): Mapped {
  const mapped = Object.hasOwn(fields, 'specversion') ? ofCloudEvent(fields) : ofPlainRow(fields, options);
  if (!mapped.ok) return mapped;
  const fault = faultOf(mapped.record, now);
  return fault ? refused(fault.reason, fault.detail) : mapped;
}

function ofCloudEvent(fields: Readonly<Record<string, unknown>>): Mapped {
  if (missing(fields['id'])) return refused('missing-event-id', 'id: a CloudEvent has one');
  if (!TYPE_NAMES.has(fields['type'])) return unknownType();
  const parsed = cloudEventSchema.safeParse(fields);
  if (parsed.success) return { ok: true, record: recordOfCloudEvent(parsed.data) };
  const [issue] = parsed.error.issues;
  return refused('not-a-cloudevent', `${issue?.path.join('.') || 'event'}: ${issue?.message}`);
}

function ofPlainRow(fields: Readonly<Record<string, unknown>>, { type: byDefault, ignoreUnknown }: MapOptions): Mapped {
  const type = missing(fields['type']) ? byDefault : TYPE_NAMES.get(fields['type']);
  if (type === undefined) return unknownType();
  const named = namedFields(fields, type, ignoreUnknown);
  if ('refusal' in named) return { ok: false, ...named.refusal };
  const { values } = named;
  const absent = ROW_FIELDS[type].required.find(
    (name) => values[name] === undefined || (name !== 'reason' && values[name] === ''),
  );
  if (absent === 'eventId') return refused('missing-event-id', 'eventId: the row has none, and none is made up');
  if (absent !== undefined) return refused('missing-field', `${absent}: the row has none`);
  return recordOf(type, values);
}

function recordOf(type: RowType, values: Readonly<Record<string, unknown>>): Mapped {
  const parsed = parse(type, values);
  if (parsed.success) return { ok: true, record: parsed.record };
  const { path, message } = parsed.issue;
  return refused(message === TIME_RULE ? 'invalid-time' : 'invalid-field', `${path.join('.')}: ${message}`);
}

type Parsed =
  | { success: true; record: TallyRecord }
  | { success: false; issue: { path: PropertyKey[]; message: string } };

function parse(type: RowType, values: Readonly<Record<string, unknown>>): Parsed {
  const failed = (error: z.ZodError): Parsed => {
    const [issue = { path: [], message: 'not valid' }] = error.issues;
    return { success: false, issue };
  };
  switch (type) {
    case 'interaction': {
      const { success, data, error } = shapes.interaction.safeParse(values);
      if (!success) return failed(error);
      const { direction = defaultDirection(data.channel), journeyId = null, provider = null } = data;
      return { success, record: { schema: 'Interaction', value: { ...data, direction, journeyId, provider } } };
    }
    case 'void': {
      const { success, data, error } = shapes.void.safeParse(values);
      return success ? { success, record: { schema: 'InteractionVoided', value: data } } : failed(error);
    }
    case 'profile': {
      const { success, data, error } = shapes.profile.safeParse(values);
      return success ? { success, record: { schema: 'ProfileRecord', value: data } } : failed(error);
    }
  }
}

type Named = { values: Record<string, unknown> } | { refusal: Refusal };

/** The values under their canonical names; identifiers from wherever the row has them. */
function namedFields(fields: Readonly<Record<string, unknown>>, type: RowType, ignoreUnknown: boolean): Named {
  const { required, optional } = ROW_FIELDS[type];
  const values: Record<string, unknown> = {};
  const identifiers: unknown[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (value === null || value === undefined || name === 'type') continue;
    const canonical = canonicalName(name);
    const kind = identifierKind(name);
    if (kind !== undefined && type === 'profile') {
      if (value !== '') identifiers.push({ kind, value });
    } else if (required.includes(canonical) || optional.includes(canonical)) {
      if (Object.hasOwn(values, canonical))
        return { refusal: { code: 'invalid-field', detail: `${canonical}: there twice` } };
      values[canonical] = value;
    } else if (value !== '' && !ignoreUnknown) {
      return {
        refusal: { code: 'unknown-field', detail: `${JSON.stringify(name).slice(0, 80)} is no field of a ${type}` },
      };
    }
  }
  if (type !== 'profile') return { values };
  const listed = identifierList(values['identifiers']);
  if (listed === undefined) {
    return { refusal: { code: 'invalid-field', detail: 'identifiers: must be a list of {"kind", "value"}' } };
  }
  return { values: { ...values, identifiers: [...listed, ...identifiers] } };
}

/** A list, or a text that holds one as JSON. */
function identifierList(value: unknown): unknown[] | undefined {
  if (value === undefined || value === '') return [];
  let list = value;
  try {
    if (typeof value === 'string') list = JSON.parse(value);
  } catch {
    return undefined;
  }
  return Array.isArray(list) ? list : undefined;
}

function millisOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Date) return value.getTime();
  if (wholeMillis.safeParse(value).success) return Number(value);
  const iso = isoTime.safeParse(value);
  return iso.success ? Date.parse(iso.data) : undefined;
}

function missing(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

function unknownType(): Mapped {
  return refused('unknown-type', `type: must be one of ${[...TYPE_NAMES.keys()].join(', ')}`);
}

function refused(code: string, detail: string): Mapped {
  const short = detail.length > DETAIL_CHARS_MAX ? `${detail.slice(0, DETAIL_CHARS_MAX)}…` : detail;
  return { ok: false, code, detail: short.toWellFormed() };
}
