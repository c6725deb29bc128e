import { describe, expect, it } from 'vitest';
import { summaryOf } from './watch-report.ts';
import type { Sample } from './watch-run.ts';

const MIB = 2 ** 20;
const QUIET = { firstCommitSeconds: 1, stallSecondsMax: 0, failedLooks: 0 };

/** A sample a minute, of a run that commits 1,000 events a second. */
function sampleAt(minute: number, consumerMib: number, parts = 1): Sample {
  const seconds = minute * 60;
  return {
    seconds,
    committed: seconds * 1_000,
    end: seconds * 1_000,
    lag: 0,
    eventsPerSecond: 1_000,
    residentBytes: { consumer: consumerMib * MIB, ClickHouse: null },
    cores: { consumer: 0.5, ClickHouse: null },
    consumers: null,
    clickhouseTrackedBytes: 0,
    parts,
    partsByTable: { interactions: { parts, partitionMax: parts } },
  };
}

const summary = (mib: readonly number[], until?: number) =>
  summaryOf({ samples: mib.map((one, index) => sampleAt(index + 1, one)), ...QUIET }, until);

describe('memory of a run', () => {
  it('is told at a tenth, at the half and at the end, with its slope over the second half', () => {
    const growing = Array.from({ length: 20 }, (_, index) => (index < 9 ? 500 : 100 + index));
    expect(summary(growing).memory['consumer']).toEqual({
      at10: 500 * MIB,
      at50: 109 * MIB,
      at100: 119 * MIB,
      highest: 500 * MIB,
      slopeMibPerHour: 60,
    });
  });

  it('is of the load’s time alone where one is given', () => {
    const last = Array.from({ length: 20 }, (_, index) => (index < 10 ? 100 : 900));
    expect(summary(last, 600).memory['consumer']).toMatchObject({ at100: 100 * MIB, slopeMibPerHour: 0 });
  });

  it('has no slope with fewer than three samples, and nothing where nothing is known', () => {
    expect(summary([100, 200]).memory['consumer']?.slopeMibPerHour).toBeNull();
    expect(summary([100]).memory['ClickHouse']).toMatchObject({ at10: null, highest: null, slopeMibPerHour: null });
  });
});

it('tenths have the rate of their own time', () => {
  const samples = Array.from({ length: 10 }, (_, index) => sampleAt(index + 1, 100));
  const halved = samples.map((one) => (one.seconds <= 300 ? one : { ...one, committed: 150_000 + one.seconds * 500 }));
  const rates = summaryOf({ samples: halved, ...QUIET }).tenths.map((t) => t.eventsPerSecond);
  expect(rates).toEqual([...Array(5).fill(1_000), ...Array(5).fill(500)]);
});

it('CPU is of the whole time, however far apart the looks are', () => {
  const samples = [10, 20, 20.1].map((seconds, index) => ({ ...sampleAt(1, 1), seconds, cores: { consumer: index } }));
  expect(summaryOf({ samples, ...QUIET }).cores).toEqual({ consumer: 0.51 });
});

it('parts are told at their most', () => {
  const samples = [sampleAt(1, 1, 3), sampleAt(2, 1, 40), sampleAt(3, 1, 5)];
  const { partsMax, partsMaxByTable } = summaryOf({ samples, ...QUIET });
  expect(partsMax).toBe(40);
  expect(partsMaxByTable).toEqual({ interactions: { parts: 40, partitionMax: 40 } });
});
