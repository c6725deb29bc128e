/**
 * Quotas as rows: `figure`, then which part of it, the value and its unit; what is no number stands in `text`.
 */
import type { OverviewAnswer, QuotaAnswer } from '@tally/contract';
import type { Cell } from './tables.ts';

type Row = readonly Cell[];

interface Quota {
  owned: number;
  used: number;
  remaining: number;
  overage: number;
  share: number | null;
  reachedOn: string | null;
}

interface Quotas {
  engagedPeople: Quota;
  interactions: Quota & { month: string; projected: number | null };
  unifiedPeople: Quota & { known: boolean };
}

export function* overviewRows({ tenants }: OverviewAnswer): Iterable<Row> {
  for (const { tenantId, months, alerts, peopleToBuy, ...quotas } of tenants) {
    const { month: current } = quotas.interactions;
    for (const row of meterRows(quotas)) yield [tenantId, ...row];
    for (const { month, total } of months) {
      // This month's stands with the quota.
      if (month !== current) yield [tenantId, 'interactions.used', 'month', month, total, 'interactions', ''];
    }
    yield [tenantId, 'peopleToBuy', 'total', '', peopleToBuy, 'people', ''];
    for (const severity of ['critical', 'warning', 'info'] as const) {
      yield [tenantId, 'alerts.open', 'severity', severity, alerts[severity], 'alerts', ''];
    }
  }
}

export function* quotaRows({ on, policy, environments, ...quotas }: QuotaAnswer): Iterable<Row> {
  for (const row of meterRows(quotas)) yield [on, ...row, policy];
  const meters = [
    ['engagedPeople', 'people'],
    ['interactions', 'interactions'],
    ['unifiedPeople', 'people'],
  ] as const;
  for (const environment of environments) {
    const { id, name = '' } = environment;
    for (const [meter, unit] of meters) {
      const isKnown = meter !== 'unifiedPeople' || quotas.unifiedPeople.known;
      const used = isKnown ? environment[meter].used : null;
      yield [on, `${meter}.used`, 'environment', id, used, unit, name, policy];
    }
  }
}

function* meterRows({ engagedPeople, interactions, unifiedPeople }: Quotas): Iterable<Row> {
  yield* quotaOf('engagedPeople', engagedPeople, ['total', ''], 'people');
  yield* quotaOf('interactions', interactions, ['month', interactions.month], 'interactions');
  const { month, projected } = interactions;
  yield ['interactions.projected', 'month', month, projected, 'interactions', ''];
  yield* quotaOf('unifiedPeople', unifiedPeople, ['total', ''], 'people');
}

/** What is not known is empty, not 0. */
function* quotaOf(
  name: string,
  { owned, used, remaining, overage, share, reachedOn, known = true }: Quota & { known?: boolean },
  [dimension, key]: readonly [dimension: string, key: string],
  unit: string,
): Iterable<Row> {
  const figures = { used, remaining, overage };
  yield [`${name}.owned`, dimension, key, owned, unit, ''];
  for (const [figure, value] of Object.entries(figures)) {
    yield [`${name}.${figure}`, dimension, key, known ? value : null, unit, ''];
  }
  yield [`${name}.share`, dimension, key, known ? share : null, '', ''];
  yield [`${name}.reachedOn`, dimension, key, null, '', reachedOn ?? ''];
}
