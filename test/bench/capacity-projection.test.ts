import { describe, expect, it } from 'vitest';
import { ASSUMED, type EventCost, projectionOf } from './capacity-projection.ts';

const COST: EventCost = {
  cpuMicros: { consumer: 6, clickhouse: 8, broker: 1 },
  topicBytes: 190,
  tableBytes: 130,
  filterBytes: 6,
};

describe('what a number of events a month needs', () => {
  it('is worked out from what one event costs', () => {
    // 2,592,000 seconds a month: a thousand events in each of them, ten thousand at the peak
    expect(projectionOf(COST, 2_592_000_000)).toEqual({
      eventsPerMonth: 2_592_000_000,
      eventsPerSecond: { mean: 1_000, peak: 10_000 },
      // 60 ms, 2 x 80 ms and 3 x 10 ms of CPU a second, half a core to be used of each
      cores: { consumers: 1, clickhouse: 1, brokers: 1 },
      disk: { kafka: 2_592_000_000 * 190 * 3, clickhouse: 2_592_000_000 * 24 * 130 * 2 },
      filterBytes: 2_592_000_000 * 24 * 6,
    });
  });

  it('grows with the traffic, and rounds cores up', () => {
    const { cores } = projectionOf(COST, 259_200_000_000);
    // 6, 16 and 3 s of CPU a second
    expect(cores).toEqual({ consumers: 12, clickhouse: 32, brokers: 6 });
    expect(projectionOf(COST, 1).cores).toEqual({ consumers: 1, clickhouse: 1, brokers: 1 });
  });

  it('follows what is assumed', () => {
    const once = { ...ASSUMED, peakToMean: 1, cpuShareMax: 1, kafkaReplicas: 1, clickhouseReplicas: 1, months: 1 };
    const { cores, disk, filterBytes } = projectionOf(COST, 259_200_000_000, { ...once, kafkaRetentionDays: 3 });
    expect(cores).toEqual({ consumers: 1, clickhouse: 1, brokers: 1 });
    expect(disk).toEqual({ kafka: 25_920_000_000 * 190, clickhouse: 259_200_000_000 * 130 });
    expect(filterBytes).toBe(259_200_000_000 * 6);
  });
});
