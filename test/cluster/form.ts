/**
 * How much is done to a cluster.
 */
export interface ClusterForm {
  name: string;
  /** Simulated events; profile records come on top. */
  events: number;
  tenants: number;
  /** Kills of a shard's server under load; the last of them is shard 0, which people connect to. */
  kills: number;
  /** From how many servers to how many a database is copied. */
  reshardings: readonly (readonly [from: number, to: number])[];
}

export const FULL: ClusterForm = {
  name: 'full',
  events: 200_000,
  tenants: 12,
  kills: 6,
  reshardings: [
    [1, 2],
    [2, 4],
  ],
};

export const SHORT: ClusterForm = { name: 'short', events: 3_000, tenants: 2, kills: 2, reshardings: [[1, 2]] };
