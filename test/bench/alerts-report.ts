/**
 * What was measured of alerts, for people.
 */
import { count, table } from '@tally/cli/print';
import type { Crowd } from './alerts-crowd.ts';
import type { Latency, Spread } from './alerts-latency.ts';

const PART_WORDS: Readonly<Record<keyof Latency['parts'], string>> = {
  accepted: 'request to 202',
  counted: '202 to counted, looked at every 100 ms',
  published: 'counted to published, at the aggregator’s minute',
  decided: 'published to the look’s beginning, 5 s after the minute',
  stored: 'look to the change in the outbox',
  arrived: 'outbox to the webhook’s arrival',
};

export function latencyText({ tries, windowSeconds, whole, parts }: Latency): string {
  const seconds = (ms: number): string => (ms / 1000).toFixed(2);
  const row = (name: string, { p50Ms, p99Ms, maxMs }: Spread): string[] => [
    name,
    ...[p50Ms, p99Ms, maxMs].map(seconds),
  ];
  const drawn = table(
    [{ title: 'seconds' }, ...['p50', 'p99', 'longest'].map((title) => ({ title, right: true }))],
    [
      row('from the event to its webhook', whole),
      ...Object.entries(PART_WORDS).map(([part, words]) => row(words, parts[part as keyof Latency['parts']])),
    ],
  );
  return `${count(tries)} events, at random within ${windowSeconds} s\n${drawn}`;
}

export function crowdText(crowd: Crowd): string {
  const mebibytes = (bytes: number | null): string =>
    bytes === null ? '?' : `${count(Math.round(bytes / 2 ** 20))} MiB`;
  const ms = (value: number): string => `${count(Math.round(value))} ms`;
  const { notifier, clickhouse } = crowd.memory;
  return table(
    [{ title: `${count(crowd.tenants)} tenants cross at once` }, { title: '', right: true }],
    [
      ['changes of alerts', count(crowd.changes)],
      ['the look: observed, decided and stored', ms(crowd.lookMs)],
      ['from its beginning to the first webhook', ms(crowd.firstArrivedMs)],
      ['from its beginning to the last webhook', ms(crowd.lastArrivedMs)],
      ['from the first webhook to the last', ms(crowd.deliveryMs)],
      ['webhooks a second', count(crowd.deliveredPerSecond)],
      ['webhooks that came twice', count(crowd.repeated)],
      ['the notifier’s process at its highest', mebibytes(notifier.residentBytes)],
      ['ClickHouse at its highest', mebibytes(clickhouse.residentBytes)],
    ],
  );
}
