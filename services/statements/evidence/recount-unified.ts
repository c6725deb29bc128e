/**
 * Unified people counted once more from the changes of the records that were read when they were published.
 */
import { pastPeople } from '@tally/figures';
import { byId, type Counts, countOf } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import { type Asked, statedOf, statedOfPart, statedPartsOf } from './asked.ts';
import { type PublishedUnified, publishedUnified } from './published-unified.ts';
import { type Recount, sameCounts } from './recount.ts';

/** The whole figure is counted even where a part is asked for. */
export async function recountUnified(clickhouse: ClickHouse, asked: Asked): Promise<Recount> {
  const whole: Asked = { statement: asked.statement, figure: asked.figure };
  const found = await lookUp(clickhouse, whole);
  if (found instanceof TallyError) return nothing({ notKept: { code: found.code, detail: found.message } });
  if (!found) return nothing({ counted: 0, rows: 0, addsUp: true, by: { environment: {} } });
  const people = byId<number>();
  const records = byId<number>();
  for (const environment of found.environments) {
    const past = await pastPeople(clickhouse, environment);
    people[environment.environmentId] = past.people;
    records[environment.environmentId] = past.records;
  }
  const ofPart = (counts: Counts): Counts =>
    asked.environment === undefined ? counts : { [asked.environment]: countOf(counts, asked.environment) };
  const stated = statedOfPart(asked);
  const counted = sumOf(ofPart(people));
  const wholeAddsUp = sumOf(people) === statedOf(asked) && sameCounts(statedPartsOf(asked).byEnvironment, people);
  return nothing({
    counted,
    rows: sumOf(ofPart(records)),
    addsUp: wholeAddsUp && (stated === null || stated === counted),
    by: { environment: ofPart(people) },
    published: publicationOf(found),
  });
}

async function lookUp(clickhouse: ClickHouse, whole: Asked): Promise<PublishedUnified | TallyError | undefined> {
  try {
    return await publishedUnified(clickhouse, whole);
  } catch (error) {
    if (error instanceof TallyError && error.code === 'EVIDENCE_NOT_KEPT') return error;
    throw error;
  }
}

function publicationOf({ at, rules, environments }: PublishedUnified): Recount['published'] {
  const readUpTo = Object.fromEntries(environments.map((one) => [one.environmentId, [...one.readUpTo]]));
  return { at, rules, readUpTo };
}

function nothing(but: Partial<Recount>): Recount {
  const none = { counted: null, rows: null, interactions: null, voided: null, late: null, published: null };
  return { ...none, addsUp: false, notKept: null, by: {}, ...but };
}

function sumOf(counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
