/**
 * What a tenant owns, used and has left on a day, and what it must buy for a licence year.
 */
import { type CurrentFigures, tenantQuota, tenantTrueUp } from '@tally/figures';
import { CATALOGUE, dayOf, isDay, type PackChoice, type PackOffer, packsFor, packsOffered } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { FastifyInstance } from '@tally/platform/http';
import { z } from 'zod';
import { asOfLastRun } from './as-of.ts';
import type { Freshness } from './freshness.ts';
import { checked, invalid, tenantOf } from './parameters.ts';

interface QuotaRouteOptions {
  clickhouse: ClickHouse;
  figures: CurrentFigures;
  freshness: Freshness;
  clock: () => number;
}

/** Events are from 2015 on; what is licensed for longer than this is open. */
const DAY_MIN = '2010-01-01';
const DAY_MAX = '2100-01-01';
const PACK_SIZE_MAX = 1_000_000_000;
const OFFERS_MAX = 10;

const billed = z.string().refine((text) => isDay(text) && text >= DAY_MIN && text <= DAY_MAX, {
  message: `must be a day, YYYY-MM-DD, from ${DAY_MIN} to ${DAY_MAX}`,
});

/** `SKU:SIZE,SKU:SIZE`. */
const offers = z.string().transform((text, context): PackOffer[] => {
  const found = text.split(',').map((one): PackOffer => {
    const [, sku = '', size] = /^([a-z0-9-]+):(\d{1,10})$/.exec(one) ?? [];
    return { sku, packSize: Number(size) };
  });
  const known = (meter: 'engaged' | 'unified', sku: string) => packsOffered(meter).some((offer) => offer.sku === sku);
  const right = found.every(
    ({ sku, packSize }) =>
      (known('engaged', sku) || known('unified', sku)) && packSize >= 1 && packSize <= PACK_SIZE_MAX,
  );
  if (right && found.length <= OFFERS_MAX) return found;
  context.addIssue(`must be SKU:PEOPLE, at most ${OFFERS_MAX} of them with commas between, SKUs of add-ons for people`);
  return z.NEVER;
});

export const quotaAsked = z.object({ on: billed.optional() });
export const trueUpAsked = z.object({ licenceYear: billed, packs: offers.optional() });

/** `GET /v1/tenants/{t}/quota?on=` and `GET /v1/tenants/{t}/true-up?licenceYear=&packs=`. */
export function addQuotaRoutes(
  app: FastifyInstance,
  { clickhouse, figures, freshness, clock }: QuotaRouteOptions,
): void {
  app.get('/v1/tenants/:tenantId/quota', async ({ params, query }) => {
    const tenantId = tenantOf(params);
    const today = dayOf(clock());
    const { on = today } = checked(quotaAsked, query);
    const asOf = await freshness.now();
    const unifiedAsOf = await asOfLastRun(clickhouse, tenantId);
    const { unifiedPeople, ...quota } = await tenantQuota(clickhouse, { tenantId, on, today }, figures.of(tenantId));
    const catalogueVersion = CATALOGUE.version;
    return { ...quota, unifiedPeople: { ...unifiedPeople, asOf: unifiedAsOf }, catalogueVersion, asOf };
  });

  app.get('/v1/tenants/:tenantId/true-up', async ({ params, query }) => {
    const tenantId = tenantOf(params);
    const asked = checked(trueUpAsked, query);
    const asOf = await freshness.now();
    const today = dayOf(clock());
    const year = { tenantId, startsOn: asked.licenceYear, today };
    const found = await tenantTrueUp(clickhouse, year, figures.of(tenantId));
    const engaged = covering(found.peopleToBuy, 'engaged', asked.packs);
    const unified = covering(found.unifiedPeopleToBuy, 'unified', asked.packs);
    return {
      ...found,
      packs: engaged.packs,
      packsSurplus: engaged.surplus,
      unifiedPacks: unified.packs,
      unifiedPacksSurplus: unified.surplus,
      catalogueVersion: CATALOGUE.version,
      asOf,
    };
  });
}

/** Offers that are asked for stand in the place of the catalogue's for the same meter. */
function covering(
  people: number,
  meter: 'engaged' | 'unified',
  asked: readonly PackOffer[] = [],
): { packs: PackChoice[]; surplus: number } {
  const standard = packsOffered(meter);
  const own = asked.filter(({ sku }) => standard.some((offer) => offer.sku === sku));
  const packs = packsFor(people, own.length > 0 ? own : standard);
  if (!packs) throw invalid('packs have sizes with too little in common to be compared; whole thousands have not');
  const covered = packs.reduce((sum, { packSize, quantity }) => sum + packSize * quantity, 0);
  return { packs, surplus: packs.length === 0 ? 0 : covered - people };
}
