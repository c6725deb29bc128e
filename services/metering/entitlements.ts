/**
 * What a tenant owns on a day: the sum of the lines that grant on it. (Rules: "Licences".)
 */
import { type Day, firstDayOf, type Month, monthOf } from './calendar.ts';
import { type Product, productOf } from './catalogue.ts';
import { inForceOn } from './checked-lines.ts';
import type { LicenceLine } from './licence-lines.ts';

export interface Entitlements {
  engagedPeople: number;
  unifiedPeople: number;
  dataverse: { base: number; addOnUnits: number };
  /** Messages an hour. */
  emailPerHour: 500_000 | 'standard';
  outboundMarketingInstalls: number;
}

/** The interaction allowance of a month is so many times the engaged people owned. */
export const INTERACTIONS_PER_PERSON = 10;

const BURST_PER_HOUR = 500_000;
const BURST_ENGAGED_PEOPLE = 500_000;
const BURST_ACTIVE_CONTACTS = 10_000_000;

interface Granting {
  product: Product;
  quantity: number;
  packSize: number;
}

/** The entitlements on a day; lines of products that are not in the catalogue grant nothing. */
export function entitlementsOn(lines: readonly LicenceLine[], on: Day): Entitlements {
  const granting = lines.filter((line) => inForceOn(line, on)).flatMap(grantingOf);
  const engagedPeople = sum(granting, ({ product, ...unit }) => people(product.engagedPeople, unit));
  return {
    engagedPeople,
    unifiedPeople: sum(granting, ({ product, ...unit }) => people(product.unifiedPeople, unit)),
    dataverse: {
      base: hasBase(granting) ? 1 : 0,
      addOnUnits: sum(granting, ({ product, quantity }) => quantity * product.dataverseAddOnUnits),
    },
    emailPerHour: hasBurst(granting, engagedPeople) ? BURST_PER_HOUR : 'standard',
    outboundMarketingInstalls: outboundInstallations(granting),
  };
}

/**
 * Interactions that a month may have: ten for each of the engaged people owned, at the largest number owned on any day of
 * the month.
 */
export function interactionAllowance(lines: readonly LicenceLine[], month: Month): number {
  // What is owned grows on no other day than a line's first.
  const days = [firstDayOf(month), ...lines.map(({ startsOn }) => startsOn).filter((on) => monthOf(on) === month)];
  return INTERACTIONS_PER_PERSON * Math.max(...days.map((on) => entitlementsOn(lines, on).engagedPeople));
}

function grantingOf({ sku, quantity, packSize = 0 }: LicenceLine): Granting[] {
  const product = productOf(sku);
  return product ? [{ product, quantity, packSize }] : [];
}

function people(granted: number | 'pack', { quantity, packSize }: Omit<Granting, 'product'>): number {
  return quantity * (granted === 'pack' ? packSize : granted);
}

function hasBase(granting: readonly Granting[]): boolean {
  return granting.some(({ product }) => product.dataverseBase);
}

function hasBurst(granting: readonly Granting[], engagedPeople: number): boolean {
  const activeContacts = sum(granting, ({ product, ...unit }) =>
    product.activeContacts ? people(product.engagedPeople, unit) : 0,
  );
  if (activeContacts >= BURST_ACTIVE_CONTACTS) return true;
  const bought = engagedPeople >= BURST_ENGAGED_PEOPLE || granting.some(({ product }) => product.sendingBurst);
  return hasBase(granting) && bought;
}

function outboundInstallations(granting: readonly Granting[]): number {
  const inAll = granting.map(({ product: { outboundInstallations: some } }) => ('inAll' in some ? some.inAll : 0));
  const perUnit = sum(granting, ({ product: { outboundInstallations: some }, quantity }) =>
    'perUnit' in some ? some.perUnit * quantity : 0,
  );
  return Math.max(0, ...inAll) + perUnit;
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
