/**
 * How much is done to a cluster.
 */
import type { StrikeKind } from './replicas.ts';

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

/** What is done on replicas. */
export interface ReplicasForm {
  name: string;
  events: number;
  tenants: number;
  /** In their order. */
  strikes: readonly StrikeKind[];
}

export const REPLICAS_FULL: ReplicasForm = {
  name: 'full',
  events: 40_000,
  tenants: 6,
  strikes: ['copy', 'connected', 'zookeeper', 'frozen', 'copy', 'home'],
};

export const REPLICAS_SHORT: ReplicasForm = {
  name: 'short',
  events: 3_000,
  tenants: 2,
  strikes: ['copy', 'connected', 'zookeeper'],
};
