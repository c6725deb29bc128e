/**
 * Events that came again with other content. Only the first occurrence counts; both contents are shown, so that somebody
 * can tell which was meant. What was first is asked of the index; its content is in `interactions` when it counted, and
 * as far as the index keeps it when its void came first.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { FastifyInstance } from '@tally/platform/http';
import type { Channel, Direction, EntityType } from '@tally/schemas';
import { z } from 'zod';
import type { Freshness } from './freshness.ts';
import { checked, day, invalid, tenantOf } from './parameters.ts';

const CONFLICTS_DEFAULT = 100;
/** Conflicts in one answer. */
const CONFLICTS_MAX = 500;
const POSITION_MAX = 2n ** 64n - 1n;

/** What the occurrences of an event may differ in. */
type Field = 'occurredAt' | 'channel' | 'direction' | 'journeyId' | 'provider';

interface Content {
  /** ISO 8601, UTC. */
  occurredAt: string;
  channel: Channel;
  direction: Direction;
  /** Absent where it was not kept. */
  journeyId?: string | null;
  provider?: string | null;
}

interface LogPlace {
  /** 64 bits, as text. */
  position: string;
  topic: string;
  partition: number;
  offset: number;
}

interface Conflict {
  environmentId: string;
  entityType: EntityType;
  entityId: string;
  eventId: string;
  /** Null while the insert that holds both is being written, or after an erasure. */
  first: { outcome: 'counted' | 'suppressed'; log: LogPlace; content: Content } | null;
  again: { log: LogPlace; content: Content };
  /** Of what is known of both; empty when they differ in something that was not kept. */
  differs: Field[];
}

export interface ConflictsAsked {
  tenantId: string;
  /** UTC days when the later occurrence says that it happened; both included. */
  from?: string | undefined;
  to?: string | undefined;
  /** At most this many. */
  limit: number;
  /** Only those at later positions. */
  after: string;
}

/** `GET /v1/tenants/{t}/conflicts?limit=&after=&from=&to=`, in the order of the log; `next` is the next page's `after`. */
export function addConflictRoute(
  app: FastifyInstance,
  { clickhouse, freshness }: { clickhouse: ClickHouse; freshness: Freshness },
): void {
  app.get('/v1/tenants/:tenantId/conflicts', async ({ params, query }) => {
    const asked = { tenantId: tenantOf(params), ...pageOf(query) };
    const asOf = await freshness.now();
    const conflicts = await readConflicts(clickhouse, asked);
    const next = conflicts.length < asked.limit ? null : (conflicts.at(-1)?.again.log.position ?? null);
    return { conflicts, next, asOf };
  });
}

export const conflictsAsked = z.object({
  limit: z.coerce.number().int().min(1).max(CONFLICTS_MAX).default(CONFLICTS_DEFAULT),
  after: z
    .string()
    .regex(/^\d{1,20}$/, 'must be a position')
    // Asked even where the pattern does not hold.
    .refine((text) => !/^\d+$/.test(text) || BigInt(text) <= POSITION_MAX, 'must be a position')
    .default('0'),
  from: day.optional(),
  to: day.optional(),
});

function pageOf(query: unknown): Omit<ConflictsAsked, 'tenantId'> {
  const asked = checked(conflictsAsked, query);
  if (asked.from !== undefined && asked.to !== undefined && asked.from > asked.to) {
    throw invalid('from must not be after to');
  }
  return asked;
}

/** Under other names than the column's, which the expressions mean. */
const PLACE = `
  toString(position) AS place, toUInt8(bitShiftRight(position, 56)) AS epoch,
  toUInt16(bitAnd(bitShiftRight(position, 40), 0xFFFF)) AS partition,
  toFloat64(bitAnd(position, 0xFFFFFFFFFF)) AS record_offset`;
const CONTENT = 'toUnixTimestamp64Milli(occurred_at) AS at, channel, direction';

interface PlaceRow {
  place: string;
  epoch: number;
  partition: number;
  record_offset: number;
}

interface IndexRow extends PlaceRow {
  key: string;
  at: string;
  channel: Channel;
  direction: Direction;
  content_hash: string;
}

interface AgainRow extends IndexRow {
  environment_id: string;
  entity_type: EntityType;
  entity_id: string;
  event_id: string;
  journey_id: string;
  provider: string;
}

/** The same row may have been written more than once; a position is one. */
const AGAIN = `
  SELECT
    environment_id, entity_type, entity_id, event_id, toString(event_key) AS key,
    ${CONTENT}, journey_id, provider, content_hash, ${PLACE}
  FROM conflicting_interactions
  WHERE tenant_id = {tenantId:String} AND position > {after:UInt64}
    AND day >= {from:Date} AND day <= {to:Date}
  ORDER BY position
  LIMIT 1 BY position
  LIMIT {limit:UInt32}`;

const FIRST = `
  SELECT toString(event_key) AS key, kind, ${CONTENT}, content_hash, ${PLACE}
  FROM event_index
  WHERE event_key IN {keys:Array(UInt128)} AND kind != 'void'
  ORDER BY position
  LIMIT 1 BY event_key`;

const COUNTED = `
  SELECT toString(position) AS place, any(journey_id) AS journey, any(provider) AS sender
  FROM interactions
  WHERE tenant_id = {tenantId:String} AND day IN {days:Array(Date)} AND event_key IN {keys:Array(UInt128)}
  GROUP BY position`;

/** A page of a tenant's conflicts, each beside the first occurrence of its event. */
export async function readConflicts(clickhouse: ClickHouse, asked: ConflictsAsked): Promise<Conflict[]> {
  const again = await clickhouse.query<AgainRow>(AGAIN, {
    ...asked,
    from: asked.from ?? '1970-01-01',
    to: asked.to ?? '2149-06-06',
  });
  if (again.length === 0) return [];
  const keys = [...new Set(again.map(({ key }) => key))].map(BigInt);
  const firsts = await clickhouse.query<IndexRow & { kind: 'interaction' | 'suppressed' }>(FIRST, { keys });
  const counted = await clickhouse.query<{ place: string; journey: string; sender: string }>(COUNTED, {
    tenantId: asked.tenantId,
    days: [...new Set(firsts.map(({ at }) => iso(at).slice(0, 10)))],
    keys,
  });
  const epochs = await clickhouse.query<{ epoch: number; topic: string }>('SELECT DISTINCT epoch, topic FROM logs');

  const topics = new Map(epochs.map(({ epoch, topic }) => [epoch, topic]));
  const kept = new Map(counted.map((row) => [row.place, row]));
  const byKey = new Map(firsts.map((row) => [row.key, row]));
  return again.map((row) => {
    const first = byKey.get(row.key);
    const rest = first && kept.get(first.place);
    const contents = {
      first: first && contentOf(first, rest && { journey_id: rest.journey, provider: rest.sender }),
      again: contentOf(row, row),
    };
    return {
      environmentId: row.environment_id,
      entityType: row.entity_type,
      entityId: row.entity_id,
      eventId: row.event_id,
      first:
        first && contents.first
          ? {
              outcome: first.kind === 'suppressed' ? 'suppressed' : 'counted',
              log: placeOf(first, topics),
              content: contents.first,
            }
          : null,
      again: { log: placeOf(row, topics), content: contents.again },
      differs: contents.first ? differences(contents.first, contents.again) : [],
    };
  });
}

function contentOf(
  { at, channel, direction }: IndexRow,
  rest: { journey_id: string; provider: string } | undefined,
): Content {
  const known = { occurredAt: iso(at), channel, direction };
  if (!rest) return known;
  return { ...known, journeyId: textOrNull(rest.journey_id), provider: textOrNull(rest.provider) };
}

function differences(first: Content, again: Content): Field[] {
  const fields = ['occurredAt', 'channel', 'direction', 'journeyId', 'provider'] as const;
  const differing = fields.filter((field) => first[field] !== undefined && first[field] !== again[field]);
  // Their hashes differ. Where all fields look alike, one had no provider and the other an empty one: both are stored as ''.
  return differing.length === 0 && first.provider !== undefined ? ['provider'] : differing;
}

function placeOf({ place, epoch, partition, record_offset }: PlaceRow, topics: ReadonlyMap<number, string>): LogPlace {
  return { position: place, topic: topics.get(epoch) ?? `epoch ${epoch}`, partition, offset: record_offset };
}

function iso(epochMs: string): string {
  return new Date(Number(epochMs)).toISOString();
}

function textOrNull(text: string): string | null {
  return text === '' ? null : text;
}
