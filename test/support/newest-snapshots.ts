/**
 * A tenant's newest snapshots as text, beside what they have to be.
 */
import { engagedCurve, monthlyInteractions, policyTimeline } from '@tally/figures';
import { type Day, firstDayOf, lastDayOf, monthOf, type PolicyTimeline } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { expect } from 'vitest';

/** The newest snapshots of a tenant as `meter period → total, breakdown, policy`. */
export async function newestSnapshots(clickhouse: ClickHouse, tenantId: string): Promise<Record<string, string>> {
  const rows = await clickhouse.query<{ name: string; figure: string }>(
    `SELECT concat(toString(meter), ' ', toString(period)) AS name,
       argMax(concat(toString(snapshots.total), ' ', breakdown, ' ', policy), computed_at) AS figure
     FROM snapshots WHERE tenant_id = {tenantId:String} AND meter != 'unified' GROUP BY meter, period ORDER BY name`,
    { tenantId },
  );
  return Object.fromEntries(rows.map(({ name, figure }) => [name, figure]));
}

/**
 * What `newestSnapshots` has to be, worked out directly: every month with events, every day from the first event to
 * `last`.
 */
export async function workedOutSnapshots(
  clickhouse: ClickHouse,
  { tenantId, days, last }: { tenantId: string; days: readonly Day[]; last: Day },
): Promise<Record<string, string>> {
  const policies = await policyTimeline(clickhouse, tenantId);
  const figures: Record<string, string> = {};
  for (const month of new Set(days.map(monthOf))) {
    const [figure] = await monthlyInteractions(clickhouse, { tenantId, from: month, to: month, policies });
    const { total, byChannel, byEnvironment } = figure ?? expect.fail('no month');
    const first = firstDayOf(month);
    const name = namedPolicy(policies, first, lastDayOf(month));
    figures[`interactions ${first}`] = `${total} ${JSON.stringify({ byChannel, byEnvironment })} ${name}`;
  }
  const from = [...days].sort()[0] ?? last;
  for (const { day, total, ...breakdown } of await engagedCurve(clickhouse, { tenantId, from, to: last, policies })) {
    figures[`engaged ${day}`] = `${total} ${JSON.stringify(breakdown)}`;
  }
  return figures;
}

/** Of engaged people the policy's name is left out: its window is the curve's own matter. */
export function comparable(figures: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(figures).map(([name, figure]) => [
      name,
      name.startsWith('engaged') ? figure.slice(0, figure.lastIndexOf('}') + 1) : figure,
    ]),
  );
}

function namedPolicy(policies: PolicyTimeline, first: Day, last: Day): string {
  const within = policies.filter(({ from }) => from > first && from <= last);
  const begins = policies.findLast(({ from }) => from <= first)?.policy.name ?? '';
  return [begins, ...within.map(({ from, policy }) => `${policy.name} from ${from}`)].join(', ');
}
