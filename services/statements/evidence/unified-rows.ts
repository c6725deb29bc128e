/**
 * The rows behind unified people: a live source record each, with the log place of the first record of its person. People
 * are as many as there are different places.
 */
import { type PastEnvironment, pastPeople, pastRecords } from '@tally/figures';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import type { Asked } from './asked.ts';
import { publishedUnified } from './published-unified.ts';
import { topicIn } from './rows-sql.ts';

export const UNIFIED_COLUMNS = [
  'tenantId',
  'environmentId',
  'source',
  'recordId',
  'changedAt',
  'log',
  'personLog',
] as const;

export type UnifiedRow = Record<(typeof UNIFIED_COLUMNS)[number], string>;

interface Slice {
  skip: number;
  limit?: number;
}

/** All rows, environment by environment. Throws `EVIDENCE_NOT_KEPT`, `CLICKHOUSE_ANSWER_CUT`. */
export async function* unifiedRows(clickhouse: ClickHouse, asked: Asked): AsyncGenerator<UnifiedRow> {
  const topic = topicIn(asked.statement.evidence, 'profiles');
  for (const environment of (await publishedUnified(clickhouse, asked))?.environments ?? []) {
    yield* rowsOf(clickhouse, { environment, topic, skip: 0 });
  }
}

/** A page; the cursor names an environment and how many of its records were given. */
export async function unifiedPage(
  clickhouse: ClickHouse,
  asked: Asked,
  { after, limit }: { after?: string; limit: number },
): Promise<{ columns: readonly string[]; rows: UnifiedRow[]; next: string | null }> {
  const from = after === undefined ? { environmentId: '', given: 0 } : cursorOf(after);
  const topic = topicIn(asked.statement.evidence, 'profiles');
  const published = await publishedUnified(clickhouse, asked);
  const environments = published?.environments.filter(({ environmentId }) => environmentId >= from.environmentId) ?? [];
  const rows: UnifiedRow[] = [];
  for (const environment of environments) {
    const { environmentId } = environment;
    const skip = environmentId === from.environmentId ? from.given : 0;
    // One more than is told, to know whether there are more.
    const wanted = limit - rows.length;
    let taken = 0;
    for await (const row of rowsOf(clickhouse, { environment, topic, skip, limit: wanted + 1 })) {
      if (taken === wanted) {
        return { columns: UNIFIED_COLUMNS, rows, next: `${skip + taken}.${environmentId}` };
      }
      rows.push(row);
      taken++;
    }
  }
  return { columns: UNIFIED_COLUMNS, rows, next: null };
}

async function* rowsOf(
  clickhouse: ClickHouse,
  { environment, topic, ...slice }: Slice & { environment: PastEnvironment; topic: string },
): AsyncGenerator<UnifiedRow> {
  const { records, personOf } = await pastPeople(clickhouse, environment);
  const { tenantId, environmentId } = environment;
  let number = slice.skip;
  for await (const { source, recordId, changedAt, position } of pastRecords(clickhouse, { ...environment, ...slice })) {
    yield {
      tenantId,
      environmentId,
      source,
      recordId,
      changedAt: new Date(changedAt).toISOString(),
      log: placeOf(position, topic),
      personLog: placeOf(personOf(number), topic),
    };
    number++;
  }
  const expected = Math.min(records, slice.skip + (slice.limit ?? Number.POSITIVE_INFINITY));
  if (number >= expected) return;
  throw new TallyError(`${number} of ${expected} records came`, { code: 'CLICKHOUSE_ANSWER_CUT', retriable: true });
}

/** Throws `CURSOR_INVALID`. */
function cursorOf(text: string): { environmentId: string; given: number } {
  const [, given, environmentId] = /^(\d{1,15})\.(.{1,64})$/.exec(text) ?? [];
  if (given !== undefined && environmentId !== undefined) return { given: Number(given), environmentId };
  throw new TallyError('the cursor is none that a page gave', { code: 'CURSOR_INVALID', retriable: false });
}

/** `topic/partition/offset@epoch`; a position is epoch (8 bits), partition (16 bits), offset (40 bits). */
function placeOf(position: bigint, topic: string): string {
  const [epoch, partition, offset] = [position >> 56n, (position >> 40n) & 0xffffn, position & 0xff_ffff_ffffn];
  return `${topic}/${partition}/${offset}@${epoch}`;
}
