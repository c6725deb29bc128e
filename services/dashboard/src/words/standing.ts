/**
 * How a quota stands, and which tenants need to be looked at first.
 */
import { addDays, type Day, dayOf } from '@tally/metering/calendar';
import type { OverviewTenant, Used } from '../api/answers.ts';

/** From the worst. */
export const STANDINGS = ['over', 'full', 'reaching', 'near', 'filling', 'plenty', 'none', 'unknown'] as const;
export type Standing = (typeof STANDINGS)[number];

/** Shares at which one is told, as the bars mark them. */
export const MARKS = [0.8, 0.9, 1] as const;
const [FILLING, NEAR] = MARKS;

/** Words for each; `reaching`: at this pace it will be used up, though it is not yet near. */
export const STANDING_WORDS: Readonly<Record<Standing, string>> = {
  over: 'Over quota',
  full: 'Used up',
  reaching: 'Will run out',
  near: 'Nearly used up',
  filling: 'Filling up',
  plenty: 'Plenty left',
  none: 'Nothing owned',
  unknown: 'Not known yet',
};

export type Tone = 'bad' | 'warn' | 'good' | 'calm';

export function toneOf(standing: Standing): Tone {
  if (standing === 'over') return 'bad';
  if (standing === 'full' || standing === 'reaching' || standing === 'near' || standing === 'filling') return 'warn';
  return standing === 'plenty' ? 'good' : 'calm';
}

/** A day that is further off than this is no reason to act now. */
const SOON_DAYS = 60;

/** @param isLicensed whether the tenant owns anything: who owns nothing at all is not over everything */
export function standingOf(
  used: Used & { known?: boolean },
  isLicensed: boolean,
  today: Day = dayOf(Date.now()),
): Standing {
  if (used.known === false) return 'unknown';
  if (used.overage > 0 && isLicensed) return 'over';
  if (used.share === null) return 'none';
  if (used.share >= 1) return 'full';
  if (used.reachedOn !== null && used.reachedOn <= addDays(today, SOON_DAYS)) return 'reaching';
  if (used.share >= NEAR) return 'near';
  return used.share >= FILLING ? 'filling' : 'plenty';
}

export const METERS = ['interactions', 'engagedPeople', 'unifiedPeople'] as const;
export type MeterName = (typeof METERS)[number];

export const METER_WORDS: Readonly<Record<MeterName, string>> = {
  interactions: 'Interactions',
  engagedPeople: 'Engaged people',
  unifiedPeople: 'Unified people',
};

/** Whether a tenant owns anything of any meter. */
export function isLicensedFor(tenant: Readonly<Record<MeterName, Used>>): boolean {
  return METERS.some((meter) => tenant[meter].owned > 0);
}

/** The worst of a tenant's three. */
export function worstOf(tenant: Pick<OverviewTenant, MeterName>): Standing {
  const isLicensed = isLicensedFor(tenant);
  const places = METERS.map((meter) => STANDINGS.indexOf(standingOf(tenant[meter], isLicensed)));
  return STANDINGS[Math.min(...places)] ?? 'unknown';
}

/** The highest share of a tenant's three; what is used without being owned is beyond every share. */
export function highestShare(tenant: Pick<OverviewTenant, MeterName>): number {
  return Math.max(
    ...METERS.map((meter) => {
      const { share, used, owned } = tenant[meter];
      return share ?? (used > 0 && owned === 0 ? Number.POSITIVE_INFINITY : 0);
    }),
  );
}

export const ORDERS = ['urgency', 'name', 'interactions', 'engagedPeople', 'unifiedPeople', 'alerts'] as const;
export type Order = (typeof ORDERS)[number];

export interface Sight {
  /** In the tenant's id, whatever its case. */
  text: string;
  show: 'all' | 'attention' | 'alerts';
  order: Order;
}

/** Those that are to be seen, in order; equal ones by name. */
export function inSight(tenants: readonly OverviewTenant[], { text, show, order }: Sight): OverviewTenant[] {
  const wanted = text.trim().toLowerCase();
  const compare = COMPARISONS[order];
  return tenants
    .filter(({ tenantId }) => tenantId.toLowerCase().includes(wanted))
    .filter((tenant) => show !== 'attention' || needsAttention(tenant))
    .filter(({ alerts }) => show !== 'alerts' || alerts.critical + alerts.warning + alerts.info > 0)
    .sort((a, b) => compare(a, b) || (a.tenantId < b.tenantId ? -1 : 1));
}

export function needsAttention(tenant: Pick<OverviewTenant, MeterName>): boolean {
  const tone = toneOf(worstOf(tenant));
  return tone === 'bad' || tone === 'warn';
}

const byShare =
  (meter: MeterName) =>
  (a: OverviewTenant, b: OverviewTenant): number =>
    (b[meter].share ?? -1) - (a[meter].share ?? -1);

const COMPARISONS: Readonly<Record<Order, (a: OverviewTenant, b: OverviewTenant) => number>> = {
  name: () => 0,
  urgency: (a, b) =>
    STANDINGS.indexOf(worstOf(a)) - STANDINGS.indexOf(worstOf(b)) || descending(highestShare(a), highestShare(b)),
  interactions: byShare('interactions'),
  engagedPeople: byShare('engagedPeople'),
  unifiedPeople: byShare('unifiedPeople'),
  alerts: (a, b) =>
    b.alerts.critical - a.alerts.critical || b.alerts.warning - a.alerts.warning || b.alerts.info - a.alerts.info,
};

/** Also of infinite ones, whose difference is no number. */
function descending(a: number, b: number): number {
  return a === b ? 0 : b > a ? 1 : -1;
}
