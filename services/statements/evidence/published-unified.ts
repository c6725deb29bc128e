/**
 * The publication that a statement's unified people come from, and what each environment's records were when it was made.
 */
import {
  type Bounds,
  changesUpTo,
  type PastEnvironment,
  type UnificationRules,
  type UnifiedBreakdown,
} from '@tally/figures';
import { type ClickHouse, dateTime64 } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import { type Asked, daysOf, statedOf } from './asked.ts';
import { topicIn } from './rows-sql.ts';

export interface PublishedUnified {
  /** ISO 8601, UTC. */
  at: string;
  rules: UnificationRules;
  /** By id. */
  environments: PastEnvironment[];
}

/** Before there were rules, every kind joined, and no number of records was too many. */
const WITHOUT_RULES: UnificationRules = { kinds: null, limit: 2 ** 32 - 1 };

/**
 * Undefined where no figure was ever published up to the day, which is stated as nothing used. Throws
 * `EVIDENCE_NOT_KEPT` where nobody can tell any more which records were read.
 */
export async function publishedUnified(clickhouse: ClickHouse, asked: Asked): Promise<PublishedUnified | undefined> {
  const { statement, environment } = asked;
  const { tenantId, evidence } = statement;
  const day = daysOf(asked).last;
  const publication = evidence.unified.find((one) => one.day === day);
  if (!publication) {
    if (statedOf(asked) === 0) return undefined;
    throw notKept(`the statement does not say when the figure of ${day} was published`);
  }
  const at = publication.publishedAt;
  const { byEnvironment, rules = WITHOUT_RULES, readUpTo = {} } = await breakdownOf(clickhouse, { tenantId, at, day });
  const ids = Object.keys(byEnvironment).filter((id) => (environment ?? id) === id);
  const environments: PastEnvironment[] = [];
  for (const environmentId of ids.sort()) {
    const place = { tenantId, environmentId };
    const upTo =
      (Object.hasOwn(readUpTo, environmentId) ? readUpTo[environmentId] : undefined) ??
      (await unchangedSince(clickhouse, place, { ...evidence, positions: publication.positions }));
    environments.push({ ...place, rules, readUpTo: upTo });
  }
  return { at, rules, environments };
}

async function breakdownOf(
  clickhouse: ClickHouse,
  { tenantId, at, day }: { tenantId: string; at: string; day: string },
): Promise<UnifiedBreakdown> {
  const [row] = await clickhouse.query<{ breakdown: string }>(
    `SELECT breakdown
     FROM snapshots
     WHERE tenant_id = {tenantId:String} AND meter = 'unified' AND period <= {day:Date}
       AND computed_at = {at:DateTime64(3)}
     ORDER BY period DESC
     LIMIT 1`,
    { tenantId, day, at: dateTime64(Date.parse(at)) },
  );
  if (row) return JSON.parse(row.breakdown) as UnifiedBreakdown;
  throw notKept(`the figure that was published at ${at} is not kept`);
}

/** A position is epoch (8 bits), partition (16 bits), offset (40 bits). */
const [OFFSET_BITS, EPOCH_SHIFT] = [40n, 56n];
const [OFFSET_MASK, PARTITION_MASK] = [(1n << 40n) - 1n, (1n << 16n) - 1n];

/**
 * A figure from before it was noted what had been read: when nothing of the environment came behind the offsets that were
 * committed then, there was nothing else to read than there is now.
 */
async function unchangedSince(
  clickhouse: ClickHouse,
  environment: { tenantId: string; environmentId: string },
  committed: Bounds,
): Promise<string[]> {
  const upTo = await changesUpTo(clickhouse, environment);
  const topic = topicIn(committed, 'profiles');
  const changed = upTo.map(BigInt).some((position) => {
    const partition = (position >> OFFSET_BITS) & PARTITION_MASK;
    const end = committed.positions[`${topic}/${partition}`] ?? 0;
    // What epoch the offsets were of, was not noted: with several, nobody can tell.
    const isOfEpoch = Number(position >> EPOCH_SHIFT) === committed.epochs[topic];
    return !isOfEpoch || Number(position & OFFSET_MASK) >= end;
  });
  if (!changed) return upTo;
  throw notKept(
    `records of ${environment.environmentId} changed since, and it was not noted yet which of them had been read when the figure was published`,
  );
}

function notKept(detail: string): TallyError {
  return new TallyError(detail, { code: 'EVIDENCE_NOT_KEPT', retriable: false });
}
