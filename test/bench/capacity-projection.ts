/**
 * What a number of events a month needs, worked out from what one event was measured to cost. Pure.
 */

/** What one event costs, as measured. */
export interface EventCost {
  /** CPU of a consumer's process, of ClickHouse and of the broker, microseconds. */
  cpuMicros: { consumer: number; clickhouse: number; broker: number };
  /** Of its record in the topic, as it lies on the broker's disk. */
  topicBytes: number;
  /** In all tables, merged. */
  tableBytes: number;
  /** Of the fingerprint that a consumer keeps in memory of each event ever counted. */
  filterBytes: number;
}

export interface Assumptions {
  /** The busiest second, in means. */
  peakToMean: number;
  /** Of a core, at the peak: the rest is for queries, merges of a burst and a replay beside the traffic. */
  cpuShareMax: number;
  kafkaReplicas: number;
  kafkaRetentionDays: number;
  clickhouseReplicas: number;
  /** How far back tables are kept. Nothing is deleted by itself: this is what is planned for. */
  months: number;
}

export const ASSUMED: Assumptions = {
  peakToMean: 10,
  cpuShareMax: 0.5,
  kafkaReplicas: 3,
  kafkaRetentionDays: 30,
  clickhouseReplicas: 2,
  months: 24,
};

export interface Projection {
  eventsPerMonth: number;
  eventsPerSecond: { mean: number; peak: number };
  /** Cores at the peak, all replicas together. */
  cores: { consumers: number; clickhouse: number; brokers: number };
  /** On all disks together, bytes. */
  disk: { kafka: number; clickhouse: number };
  /** Of all consumers' filters together when `months` of events are counted, bytes. */
  filterBytes: number;
}

const DAYS_PER_MONTH = 30;
const SECONDS_PER_DAY = 86_400;
const MICROS_PER_SECOND = 1_000_000;

/** Rounds cores up, since half a core is none that can be bought. */
export function projectionOf(cost: EventCost, eventsPerMonth: number, assumed: Assumptions = ASSUMED): Projection {
  const mean = eventsPerMonth / (DAYS_PER_MONTH * SECONDS_PER_DAY);
  const peak = mean * assumed.peakToMean;
  const cores = (micros: number, copies = 1): number =>
    Math.ceil((peak * micros * copies) / MICROS_PER_SECOND / assumed.cpuShareMax);
  const events = eventsPerMonth * assumed.months;
  return {
    eventsPerMonth,
    eventsPerSecond: { mean: Math.round(mean), peak: Math.round(peak) },
    cores: {
      consumers: cores(cost.cpuMicros.consumer),
      clickhouse: cores(cost.cpuMicros.clickhouse, assumed.clickhouseReplicas),
      brokers: cores(cost.cpuMicros.broker, assumed.kafkaReplicas),
    },
    disk: {
      kafka: Math.round(
        (eventsPerMonth / DAYS_PER_MONTH) * assumed.kafkaRetentionDays * cost.topicBytes * assumed.kafkaReplicas,
      ),
      clickhouse: Math.round(events * cost.tableBytes * assumed.clickhouseReplicas),
    },
    filterBytes: Math.round(events * cost.filterBytes),
  };
}
