/**
 * Quotas, true-ups and the ledger of an instance beside the simulator's own truth.
 */

import type { QuotaAnswer } from '@tally/contract';
import { type LicensedTenant, quotaTruth, trueUpTruth } from '@tally/simulator';
import type { ApiClient } from './api-client.ts';
import type { Compared, Differ, Pair } from './compare.ts';

export interface QuotaRow {
  tenantId: string;
  standing: LicensedTenant['standing'];
  meter: (typeof METERS)[number];
  owned: Pair;
  used: Pair;
  remaining: Pair;
  /** Used of owned, 1 for all of it; null where nothing is owned. */
  share: number | null;
}

export interface TrueUpRow {
  tenantId: string;
  yearFrom: string;
  engagedPeak: Pair;
  interactionsPeak: Pair;
  peopleToBuy: Pair;
  unifiedPeopleToBuy: Pair;
}

export interface LedgerRow {
  topic: string;
  records: Pair;
  balanced: boolean;
}

const METERS = ['engagedPeople', 'interactions', 'unifiedPeople'] as const;

/** Gives the tenants what they bought, as sales would: over the api. */
export async function giveLicences(api: ApiClient, licensed: readonly LicensedTenant[]): Promise<void> {
  for (const { tenantId, lines } of licensed) {
    await api.changeLicences(tenantId, { lines, because: 'the demo’s order', by: 'tally demo' });
  }
}

/** A row for each tenant and meter. */
export async function compareQuotas(
  api: ApiClient,
  { truth, licensed, today }: Compared,
  differ: Differ,
): Promise<QuotaRow[]> {
  const rows: QuotaRow[] = [];
  const answers = await Promise.all(licensed.map(({ tenantId }) => api.quota(tenantId, { on: today })));
  for (const [index, answer] of answers.entries()) {
    const tenant = licensed[index];
    if (!tenant) continue;
    const { tenantId, standing } = tenant;
    const wanted = quotaTruth(truth, tenant, today);
    for (const meter of METERS) {
      const { owned, used, remaining, overage, share } = answer[meter];
      differ(`${meter} of ${tenantId} against its quota`, { owned, used, remaining, overage, share }, wanted[meter]);
      const pair = (name: 'owned' | 'used' | 'remaining'): Pair => ({
        tally: answer[meter][name],
        truth: wanted[meter][name],
      });
      rows.push({
        ...{ tenantId, standing, meter, share },
        ...{ owned: pair('owned'), used: pair('used'), remaining: pair('remaining') },
      });
    }
    const environments = besideOthers(answer);
    for (const id of new Set([...Object.keys(environments), ...Object.keys(wanted.environments)])) {
      // An environment that has nothing left has nothing of any meter; the others' is compared where it has.
      if (!wanted.environments[id]) differ(`usage of ${tenantId}/${id}`, ownOnly(environments[id]), {});
      else differ(`usage of ${tenantId}/${id} beside the others`, environments[id], wanted.environments[id]);
    }
  }
  return rows;
}

type Beside = Record<(typeof METERS)[number], { used: number; others: number }>;

function besideOthers({ environments }: QuotaAnswer): Record<string, Beside> {
  return Object.fromEntries(
    environments.map(({ id, engagedPeople, interactions, unifiedPeople }) => [
      id,
      { engagedPeople, interactions, unifiedPeople },
    ]),
  );
}

/** What is not zero. */
function ownOnly(environment: Beside | undefined): Record<string, number> {
  const used = METERS.map((meter): [string, number] => [meter, environment?.[meter].used ?? 0]);
  return Object.fromEntries(used.filter(([, count]) => count !== 0));
}

/** A row for each tenant. */
export async function compareTrueUps(
  api: ApiClient,
  { truth, licensed, today }: Compared,
  differ: Differ,
): Promise<TrueUpRow[]> {
  const rows: TrueUpRow[] = [];
  const asked = licensed.map(({ tenantId, yearFrom }) => api.trueUp(tenantId, { licenceYear: yearFrom }));
  for (const [index, answer] of (await Promise.all(asked)).entries()) {
    const tenant = licensed[index];
    if (!tenant) continue;
    const { tenantId, yearFrom } = tenant;
    const upTo = answer.licenceYear.lookedAtUpTo ?? today;
    const wanted = trueUpTruth(truth, tenant, { upTo });
    const { engaged, interactions, unified, peopleToBuy, unifiedPeopleToBuy } = answer;
    const people = { engaged, interactions, peopleToBuy };
    const wantedPeople = {
      engaged: wanted.engaged,
      interactions: wanted.interactions,
      peopleToBuy: wanted.peopleToBuy,
    };
    differ(`true-up of ${tenantId} from ${yearFrom}`, people, wantedPeople);
    // Past midnight there is a figure of the day before as well, of when not everything was counted.
    const sameDay = upTo === today;
    if (sameDay) {
      const figures = { unified: wanted.unified, unifiedPeopleToBuy: wanted.unifiedPeopleToBuy };
      differ(`true-up of ${tenantId} from ${yearFrom}, unified people`, { unified, unifiedPeopleToBuy }, figures);
    }
    rows.push({
      ...{ tenantId, yearFrom },
      engagedPeak: { tally: engaged.peak, truth: wanted.engaged.peak },
      interactionsPeak: { tally: interactions.peak, truth: wanted.interactions.peak },
      peopleToBuy: { tally: peopleToBuy, truth: wanted.peopleToBuy },
      unifiedPeopleToBuy: {
        tally: unifiedPeopleToBuy,
        truth: sameDay ? wanted.unifiedPeopleToBuy : unifiedPeopleToBuy,
      },
    });
  }
  return rows;
}

/** A row for each metered topic. */
export async function compareLedger(api: ApiClient, { truth, result }: Compared, differ: Differ): Promise<LedgerRow[]> {
  const { balanced, lag, partitions } = await api.ledger();
  differ('ledger', { balanced, lag }, { balanced: true, lag: 0 });
  const wanted = truth.records();
  return [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, of]) => {
    const tally = of.reduce((sum, { start, end }) => sum + end - start, 0);
    const records = { tally, truth: topic.includes('profiles') ? wanted.profiles : wanted.interactions };
    // A request repeated after an unclear failure may have left a record more, which the truth cannot know of.
    if (result.uncertainRetries > 0) records.truth = tally;
    else differ(`records of ${topic}`, records.tally, records.truth);
    return { topic, records, balanced: of.every((partition) => partition.balanced) };
  });
}
