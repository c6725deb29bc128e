/**
 * Which add-on packs cover a shortfall at the least surplus. (Rules: "True-up".)
 */
import { CATALOGUE } from './catalogue.ts';

export interface PackOffer {
  sku: string;
  /** People in a pack. */
  packSize: number;
}

export interface PackChoice extends PackOffer {
  quantity: number;
}

/** Packs that the catalogue offers. */
export function packsOffered(meter: 'engaged' | 'unified'): PackOffer[] {
  return CATALOGUE.products.flatMap(({ sku, offered }) =>
    offered?.meter === meter ? [{ sku, packSize: offered.packSize }] : [],
  );
}

/** Sums that are looked at, five bytes each. */
const SUMS_MAX = 5_000_000;

/**
 * The packs that cover so many people with the least surplus, and among these the fewest packs; none for nobody. Undefined
 * where large packs whose sizes have little in common leave more sums to look at than `SUMS_MAX`; sizes of whole thousands
 * do not. Throws RangeError where nothing is offered, or a size is no whole number above 0.
 */
export function packsFor(people: number, offers: readonly PackOffer[]): PackChoice[] | undefined {
  if (people <= 0) return [];
  if (offers.length === 0 || offers.some(({ packSize }) => !Number.isSafeInteger(packSize) || packSize < 1)) {
    throw new RangeError('packs of at least one person must be offered');
  }
  // Every sum of packs is a multiple of the sizes' greatest common divisor.
  const unit = offers.map(({ packSize }) => packSize).reduce(greatestCommonDivisor);
  const sizes = offers.map(({ packSize }) => packSize / unit);
  const largest = sizes.indexOf(Math.max(...sizes));
  const largestUnits = sizes[largest] ?? 1;
  const wanted = Math.ceil(people / unit);
  // Among as many other packs as the largest has units, some add up to a multiple of it, and fewer of the largest do the
  // same. So the fewest packs hold less than its square of others, and the rest can be taken at once.
  const many = Math.max(0, Math.floor(wanted / largestUnits) - largestUnits);
  const quantities = leastSurplus(wanted - many * largestUnits, sizes);
  if (!quantities) return undefined;
  quantities[largest] = (quantities[largest] ?? 0) + many;
  return offers
    .map((offer, index) => ({ ...offer, quantity: quantities[index] ?? 0 }))
    .filter(({ quantity }) => quantity > 0);
}

/** How many of each size: the fewest packs for every sum, up to the first that covers what is wanted. */
function leastSurplus(wanted: number, sizes: readonly number[]): number[] | undefined {
  // The smallest pack alone covers it with less surplus than its own size.
  const most = wanted + Math.min(...sizes);
  if (most > SUMS_MAX) return undefined;
  const fewest = new Uint32Array(most + 1).fill(NEVER, 1);
  const last = new Uint8Array(most + 1);
  for (let sum = 1; sum <= most; sum++) {
    for (const [index, size] of sizes.entries()) {
      const before = sum >= size ? (fewest[sum - size] ?? NEVER) : NEVER;
      if (before === NEVER || before + 1 >= (fewest[sum] ?? NEVER)) continue;
      fewest[sum] = before + 1;
      last[sum] = index;
    }
  }
  const quantities = sizes.map(() => 0);
  let sum = wanted;
  while (fewest[sum] === NEVER) sum++;
  while (sum > 0) {
    const index = last[sum] ?? 0;
    quantities[index] = (quantities[index] ?? 0) + 1;
    sum -= sizes[index] ?? sum;
  }
  return quantities;
}

/** A sum that no packs make. */
const NEVER = 0xffff_ffff;

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
