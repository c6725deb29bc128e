/**
 * What the generator makes, as plain data: how many tenants of which sizes, and rounds of records. The same description
 * gives the same log on every machine.
 */
import { TallyError } from '@tally/platform/errors';

/** Who there is. */
export interface Population {
  tenants: number;
  entities: number;
  /** Any whole number from 0 to 2^32 - 1. */
  seed: number;
}

/**
 * A stretch of the log whose records happen, but for the late ones, in the order of the log. Records of one round repeat
 * and void only each other, so a round can be made without looking at what is there.
 */
export interface Round {
  /** Number of the first record; a multiple of the partitions. */
  first: number;
  /** A multiple of the partitions. */
  records: number;
  /** Milliseconds since 1970-01-01 UTC; late records may happen before it. */
  from: number;
  until: number;
  /** Ranks of the tenants concerned, 1 the largest; absent: all, each by its size. */
  ranks?: readonly number[];
}

/** The name of the tenant of a rank, 1 the largest. */
export function tenantOf(rank: number): string {
  return `tenant-${String(rank).padStart(4, '0')}`;
}

/** Entities of each tenant, by rank: Zipf's law, at least one each, the largest taking what rounding leaves. */
export function tenantSizes({ tenants, entities }: Population): number[] {
  if (entities < 2 * tenants) {
    throw new TallyError('there must be at least two entities a tenant', {
      code: 'SCALE_POPULATION',
      retriable: false,
    });
  }
  const harmonic = Array.from({ length: tenants }, (_, index) => 1 / (index + 1)).reduce((sum, part) => sum + part, 0);
  const sizes = Array.from({ length: tenants }, (_, index) =>
    Math.max(1, Math.floor(entities / ((index + 1) * harmonic))),
  );
  const rest = entities - sizes.reduce((sum, size) => sum + size, 0);
  return sizes.map((size, index) => (index === 0 ? size + rest : size));
}

/** Fourteen months that end at `until`, the start of a UTC day. */
export function fourteenMonthsTo(until: number): { from: number; until: number } {
  const at = new Date(until);
  return { from: Date.UTC(at.getUTCFullYear(), at.getUTCMonth() - 14, at.getUTCDate()), until };
}

/** Rounds up to what all partitions share evenly. */
export function wholeRows(records: number, partitions: number): number {
  return Math.ceil(records / partitions) * partitions;
}
