/**
 * What was measured of the api under load, for people.
 */
import { count, table } from '@tally/cli/print';
import type { ApiReport } from './api.ts';
import type { CallLoad } from './api-load.ts';
import type { ProcessUsage } from './process-usage.ts';

const NAMES = { api: 'the api', clickhouse: 'ClickHouse', load: 'the load itself' } as const;

export function apiLoadText(report: ApiReport): string {
  const { machine, events, tenants, connections, seconds, whole, calls, usage } = report;
  const ms = (value: number): string => count(Math.round(value));
  const row = ({ call, answers, p50Ms, p99Ms, maxMs }: CallLoad): string[] => [
    call,
    count(answers),
    ...[p50Ms, p99Ms, maxMs].map(ms),
  ];
  const right = (titles: string[]): { title: string; right: boolean }[] =>
    titles.map((title) => ({ title, right: true }));
  const errors = [
    ...Object.entries(report.refused).map(([answer, times]) => `${answer}: ${count(times)}`),
    ...(report.broken > 0 ? [`broken: ${count(report.broken)}`] : []),
  ];
  return [
    `${count(events)} events of ${count(tenants)} tenants, ${connections} connections for ${seconds} s on ${machine.cores} cores`,
    table([{ title: 'call' }, ...right(['answers', 'p50 ms', 'p99 ms', 'longest ms'])], [whole, ...calls].map(row)),
    table(
      [{ title: 'process' }, ...right(['cores', 'memory at its highest'])],
      (['api', 'clickhouse', 'load'] as const).map((name) => [NAMES[name], ...usageWords(usage[name])]),
    ),
    `${count(Math.round(report.answersPerSecond))} answers a second, ${count(Math.round(report.bytesPerSecond / 1024))} KiB a second; ${
      errors.length === 0 ? 'no error' : `errors: ${errors.join(', ')}`
    }\n`,
  ].join('\n');
}

function usageWords({ cores, peakBytes }: ProcessUsage): string[] {
  return [
    cores === null ? '?' : cores.toFixed(2),
    peakBytes === null ? '?' : `${count(Math.round(peakBytes / 2 ** 20))} MiB`,
  ];
}
