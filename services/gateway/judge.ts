/**
 * One event as its sender wrote it: the record it stands for, or why it is refused.
 */
import { covers, type Scope } from '@tally/access';
import {
  CLOUD_EVENT_TYPES,
  cloudEventSchema,
  faultOf,
  ID_BYTES_MAX,
  recordOfCloudEvent,
  type TallyRecord,
} from '@tally/schemas';
import { FAULTS, type FaultCode } from './codes.ts';

export interface Refusal {
  code: FaultCode;
  detail: string;
}

export interface Judged {
  /** The event's id as sent; null when it has none that could be one. */
  id: string | null;
  verdict: { ok: true; record: TallyRecord } | ({ ok: false } & Refusal);
}

/** A detail quotes names that the sender chose, so its length has an end. */
const DETAIL_CHARS_MAX = 200;
const KNOWN_TYPES: ReadonlySet<unknown> = new Set(Object.values(CLOUD_EVENT_TYPES));

/**
 * Judges one event. Never throws.
 * @param now the gateway's clock, milliseconds UTC
 */
export function judge(event: unknown, tenants: Scope, now: number): Judged {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) {
    return { id: null, verdict: refused('not-a-cloudevent', 'an event is a JSON object') };
  }
  const { id } = event as { id?: unknown };
  return {
    id: typeof id === 'string' && id.length <= ID_BYTES_MAX ? id : null,
    verdict: verdictOf(event, tenants, now),
  };
}

function verdictOf(event: object, tenants: Scope, now: number): Judged['verdict'] {
  const early = typeRefusal(event) ?? identifiersRefusal(event);
  if (early) return { ok: false, ...early };
  const parsed = cloudEventSchema.safeParse(event);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = issue?.path.join('.') || 'event';
    return refused(
      path.split('.', 1)[0] === 'data' ? 'invalid-data' : 'not-a-cloudevent',
      `${path}: ${issue?.message}`,
    );
  }
  const record = recordOfCloudEvent(parsed.data);
  if (!covers(tenants, record.value.tenantId)) {
    return refused('tenant-forbidden', 'the key does not cover data.tenantId');
  }
  const fault = faultOf(record, now);
  return fault ? refused(codeOf(fault.reason), fault.detail) : { ok: true, record };
}

function typeRefusal(event: object): Refusal | undefined {
  const { specversion, type } = event as { specversion?: unknown; type?: unknown };
  if (specversion !== '1.0') return { code: 'not-a-cloudevent', detail: 'specversion: must be "1.0"' };
  if (typeof type !== 'string' || type === '') return { code: 'not-a-cloudevent', detail: 'type: must be a string' };
  if (KNOWN_TYPES.has(type)) return undefined;
  return { code: 'unknown-type', detail: `type: must be one of ${[...KNOWN_TYPES].join(', ')}` };
}

/**
 * The schema would report every wrong item: a body of 5 MiB with two million of them took four seconds and two
 * gigabytes. The first one is enough to refuse the event.
 */
function identifiersRefusal(event: object): Refusal | undefined {
  const { data } = event as { data?: { identifiers?: unknown } | null };
  const identifiers = data?.identifiers;
  if (!Array.isArray(identifiers)) return undefined;
  const wrong = identifiers.findIndex((item) => typeof item?.kind !== 'string' || typeof item.value !== 'string');
  if (wrong === -1) return undefined;
  return { code: 'invalid-data', detail: `data.identifiers.${wrong}: must be {"kind": string, "value": string}` };
}

function codeOf(reason: string): FaultCode {
  return Object.hasOwn(FAULTS, reason) ? (reason as FaultCode) : 'invalid-record';
}

function refused(code: FaultCode, detail: string): Judged['verdict'] {
  const short = detail.length > DETAIL_CHARS_MAX ? `${detail.slice(0, DETAIL_CHARS_MAX)}…` : detail;
  return { ok: false, code, detail: short.toWellFormed() };
}
