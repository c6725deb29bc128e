/**
 * What was measured of the api under load, for people.
 */
import { count, table } from '@tally/cli/print';
import type { ApiReport, Phase, PhaseLoad } from './api.ts';
import type { CallLoad } from './api-load.ts';
import type { ProcessUsage } from './process-usage.ts';

const NAMES = { api: 'the api', clickhouse: 'ClickHouse', load: 'the load itself' } as const;

const PHASES: Readonly<Record<Phase, string>> = {
  cold: 'Nothing kept yet',
  warm: 'Asked on',
  arriving: 'Asked on, while events of another tenant come in every second',
};

export function apiLoadText({ machine, events, tenants, connections, seconds, phases }: ApiReport): string {
  const head = `${count(events)} events of ${count(tenants)} tenants, ${connections} connections, ${seconds} s each on ${machine.cores} cores`;
  const texts = (['cold', 'warm', 'arriving'] as const).map(
    (phase) => `${PHASES[phase]}:\n${phaseText(phases[phase])}`,
  );
  return [`${head}\n`, ...texts].join('\n');
}

function phaseText(report: PhaseLoad): string {
  const { whole, calls, usage } = report;
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
