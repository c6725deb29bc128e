/**
 * The names a row's fields may have: those of the Avro records, in camelCase or snake_case, `type`, and
 * `identifier.KIND` for an identifier in a column of its own.
 */
import { TallyError } from '@tally/platform/errors';

export const ROW_TYPES = ['interaction', 'void', 'profile'] as const;
export type RowType = (typeof ROW_TYPES)[number];

interface Fields {
  required: readonly string[];
  optional: readonly string[];
}

const ENTITY = ['tenantId', 'environmentId', 'entityType', 'entityId'] as const;

export const ROW_FIELDS: Readonly<Record<RowType, Fields>> = {
  interaction: {
    required: ['eventId', ...ENTITY, 'channel', 'occurredAt'],
    optional: ['direction', 'journeyId', 'provider'],
  },
  void: { required: ['eventId', ...ENTITY, 'voidedAt', 'reason'], optional: [] },
  profile: {
    required: ['tenantId', 'environmentId', 'source', 'recordId', 'changedAt'],
    optional: ['operation', 'identifiers'],
  },
};

/** A cell without text means "absent", but for these, where it is a value. */
export const KEPT_WHEN_EMPTY: ReadonlySet<string> = new Set(['reason']);

const IDENTIFIER = 'identifier.';
const KNOWN = new Set([
  'type',
  ...Object.values(ROW_FIELDS).flatMap(({ required, optional }) => [...required, ...optional]),
]);

/** `tenant_id` and `tenantId` are one name. */
export function canonicalName(name: string): string {
  if (name.startsWith(IDENTIFIER)) return name;
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** `email` of `identifier.email`, or undefined. */
export function identifierKind(name: string): string | undefined {
  return name.startsWith(IDENTIFIER) && name.length > IDENTIFIER.length ? name.slice(IDENTIFIER.length) : undefined;
}

/**
 * Checks the columns of a file before its first row. Throws `HEADER_INVALID`, which names what is missing, unknown or
 * there twice: one wrong column name would otherwise refuse every row, or drop a field of every row.
 */
export function checkHeader(
  columns: readonly string[],
  { type, ignoreUnknown }: { type: RowType; ignoreUnknown: boolean },
): void {
  const names = columns.map(canonicalName);
  const there = new Set(names);
  const seen = new Set<string>();
  const twice = [...new Set(names.filter((name) => seen.size === seen.add(name).size))];
  // With a column `type`, each row says itself what it needs.
  const required = there.has('type') ? ['tenantId', 'environmentId'] : ROW_FIELDS[type].required;
  const missing = required.filter((name) => !there.has(name));
  const unknown = names.filter((name) => !KNOWN.has(name) && identifierKind(name) === undefined);
  const faults = [
    missing.length > 0 ? `${missing.join(', ')} missing` : '',
    unknown.length > 0 && !ignoreUnknown ? `${unknown.map(quoted).join(', ')} unknown (--ignore-unknown)` : '',
    twice.length > 0 ? `${twice.map(quoted).join(', ')} there twice` : '',
  ].filter((fault) => fault !== '');
  if (faults.length === 0) return;
  throw new TallyError(`the columns do not fit: ${faults.join('; ')}`, { code: 'HEADER_INVALID', retriable: false });
}

const NAME_CHARS_MAX = 64;

function quoted(name: string): string {
  return JSON.stringify(name.length > NAME_CHARS_MAX ? `${name.slice(0, NAME_CHARS_MAX)}…` : name);
}
