/**
 * A tenant's statements as a chain: each has the next number and names the digest of the one before it. Which of two that
 * were drawn up at once holds, the order of their topic decides; the other one is as if it had never been. Pure.
 */
import type { Month } from '@tally/metering';
import type { Statement } from './document.ts';

/** What the next statement of a tenant has to follow. */
export interface ChainEnd {
  /** 0 before the first. */
  number: number;
  digest: string | null;
  months: Set<Month>;
}

export class Chains {
  readonly #ends = new Map<string, ChainEnd>();

  /** The end of a tenant's chain; that of none where it has no statement. */
  endOf(tenantId: string): ChainEnd {
    return this.#ends.get(tenantId) ?? { number: 0, digest: null, months: new Set() };
  }

  /** Whether a statement follows the ones before it; then it is the end. A month is stated once. */
  follow({ tenantId, month, number, previousDigest, digest }: Statement): boolean {
    const end = this.endOf(tenantId);
    if (number !== end.number + 1 || previousDigest !== end.digest || end.months.has(month)) return false;
    this.#ends.set(tenantId, { number, digest, months: end.months.add(month) });
    return true;
  }
}
