/**
 * How much chaos: the full form and the short one.
 */
import { CHECKPOINTS } from '@tally/consumer';

/** What is done to the servers and to the group while the backlog is worked off. */
export const SERVER_FAULTS = [
  'clickhouse-kill',
  'broker-kill',
  'broker-restart',
  'visit',
  'clickhouse-outage',
  'kafka-outage',
  'too-many-parts',
  'full-disk',
] as const;

export type ServerFault = (typeof SERVER_FAULTS)[number];

export const SERVER_FAULT_TEXTS: Readonly<Record<ServerFault, string>> = {
  'clickhouse-kill': 'SIGKILL of ClickHouse',
  'broker-kill': 'SIGKILL of the broker, and its restart',
  'broker-restart': 'SIGTERM of the broker, and its restart',
  visit: 'a consumer joins, works and leaves: two forced rebalances',
  'clickhouse-outage': 'outage of ClickHouse',
  'kafka-outage': 'outage of Kafka',
  'too-many-parts': 'ClickHouse refuses inserts: too many parts',
  'full-disk': 'ClickHouse’s disk is full',
};

export interface ChaosForm {
  name: 'full' | 'short';
  /** Sends to the interactions topic; profile records come on top. */
  events: number;
  /** Of each metered topic. */
  partitions: number;
  consumers: number;
  /** SIGKILLs of consumers at each of the named places. */
  killsPerPlace: number;
  /** A life dies the first to this many-th time it gets to its place. */
  nthMax: number;
  /** SIGSTOPs of consumers for longer than their session. */
  freezes: number;
  server: Readonly<Record<ServerFault, number>>;
  clickhouseOutageMs: number;
  kafkaOutageMs: number;
  /** Records in one write of a consumer: small, so that a life passes every place several times. */
  groupRecordsMax: number;
  fetchBytesPerPartitionMax: number;
  /** Records sent and not yet counted that there are at least, so that faults hit work. */
  backlogMin: number;
}

export const FULL: ChaosForm = {
  name: 'full',
  events: 1_000_000,
  partitions: 8,
  consumers: 3,
  killsPerPlace: 15,
  nthMax: 5,
  freezes: 10,
  server: {
    'clickhouse-kill': 20,
    'broker-kill': 10,
    'broker-restart': 10,
    visit: 10,
    'clickhouse-outage': 1,
    'kafka-outage': 1,
    'too-many-parts': 2,
    'full-disk': 1,
  },
  clickhouseOutageMs: 120_000,
  kafkaOutageMs: 40_000,
  groupRecordsMax: 2_000,
  fetchBytesPerPartitionMax: 262_144,
  backlogMin: 1_000,
};

export const SHORT: ChaosForm = {
  name: 'short',
  events: 12_000,
  partitions: 4,
  consumers: 3,
  killsPerPlace: 1,
  nthMax: 3,
  freezes: 1,
  server: {
    'clickhouse-kill': 1,
    'broker-kill': 1,
    'broker-restart': 0,
    visit: 1,
    'clickhouse-outage': 0,
    'kafka-outage': 0,
    'too-many-parts': 1,
    'full-disk': 0,
  },
  clickhouseOutageMs: 0,
  kafkaOutageMs: 0,
  groupRecordsMax: 500,
  fetchBytesPerPartitionMax: 65_536,
  backlogMin: 300,
};

/** Without a heartbeat for this long a consumer is out of the group, milliseconds. */
export const SESSION_TIMEOUT_MS = 3_000;

/** Faults of all kinds that a form asks for. */
export function faultsWanted({ killsPerPlace, freezes, server }: ChaosForm): number {
  const serverFaults = Object.values(server).reduce((sum, times) => sum + times, 0);
  return killsPerPlace * CHECKPOINTS.length + freezes + serverFaults;
}
