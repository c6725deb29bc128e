/**
 * From where on a statement has to look: the chart's year, and further back where something came since the last statement
 * that changes months stated earlier.
 */
import { type Bounds, withinBounds } from '@tally/figures';
import { addToMonth, type Day, firstDayOf, type Month, monthOf, policyDecided } from '@tally/metering';
import { type ClickHouse, dateTime64 } from '@tally/platform/clickhouse';
import { YEAR_MONTHS } from './content.ts';
import type { Statement } from './document.ts';
import type { OnRecord } from './on-record.ts';

/** The first day of the first month to look at; see DrawUp. */
export async function firstDayToLookAt(
  clickhouse: ClickHouse,
  asked: { tenantId: string; month: Month; record: OnRecord; topic: string },
): Promise<Day> {
  const { tenantId, month, record, topic } = asked;
  const year = firstDayOf(addToMonth(month, 1 - YEAR_MONTHS));
  const byMonth = record.statements.toSorted((a, b) => (a.month < b.month ? -1 : 1));
  const [first, last] = [byMonth[0], byMonth.at(-1)];
  if (!first || !last || firstDayOf(first.month) >= year) return year;
  // All months before the last one were looked at when that was stated, and by those policies.
  const later = record.statements.filter(({ number }) => number >= last.number);
  const decisions = policiesText(policyDecided(record.decisions));
  if (later.some(({ evidence }) => policiesText(evidence.policies) !== decisions)) return firstDayOf(first.month);
  const since = { since: last.evidence, issuedAt: last.issuedAt };
  const changed = await firstChange(clickhouse, { tenantId, topic, ...since, before: year });
  if (changed === undefined) return year;
  const reopened = monthOf(changed);
  return firstDayOf(reopened < first.month ? first.month : reopened);
}

function policiesText(policies: Statement['evidence']['policies']): string {
  return policies.map(({ from, policy }) => `${from} ${policy}`).join(', ');
}

/** The first day before another one for which something came, or was taken back, behind the bounds, or was published since. */
async function firstChange(
  clickhouse: ClickHouse,
  asked: { tenantId: string; topic: string; since: Bounds; issuedAt: string; before: Day },
): Promise<Day | undefined> {
  const counted = withinBounds(asked.since, asked.topic, { column: 'position', name: 'counted' });
  const voided = withinBounds(asked.since, asked.topic, { column: 'void_position', name: 'voided' });
  const own = 'tenant_id = {tenantId:String} AND day < {before:Date}';
  const rows = await clickhouse.query<{ first: Day; changes: string }>(
    `SELECT toString(min(day)) AS first, count() AS changes
     FROM
     (
       SELECT day FROM interactions WHERE ${own} AND NOT ${counted.sql}
       UNION ALL
       SELECT day FROM voided_interactions WHERE ${own} AND NOT ${voided.sql}
       UNION ALL
       SELECT period AS day FROM snapshots
       WHERE tenant_id = {tenantId:String} AND meter = 'unified' AND period < {before:Date}
         AND computed_at > {issuedAt:DateTime64(3)}
     )`,
    {
      tenantId: asked.tenantId,
      before: asked.before,
      issuedAt: dateTime64(Date.parse(asked.issuedAt)),
      ...counted.params,
      ...voided.params,
    },
  );
  const [found] = rows;
  return found && found.changes !== '0' ? found.first : undefined;
}
