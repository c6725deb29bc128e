/**
 * What a steady load was like, for people and machines.
 */
import { count, table } from '@tally/cli/print';
import type { Machine } from './machine.ts';
import { type RowCounts, writtenAgain } from './row-counts.ts';
import type { Delivered } from './steady-deliver.ts';
import type { LoadReport } from './steady-load.ts';
import type { Freshness, Spread } from './steady-probes.ts';
import { type RunSummary, summaryText } from './watch-report.ts';
import type { Sample } from './watch-run.ts';

export interface SteadyRows extends RowCounts {
  /** Acknowledged events, each once. */
  accepted: number;
  /** With those that may be in the log a second time. */
  acceptedMax: number;
  inLog: number;
  /** Events that differ from each other: the rows there must be. */
  different: number;
  right: boolean;
}

export interface SteadyReport {
  machine: Machine;
  /** Over 1, 5 and 15 minutes. */
  loadAverageAtStart: number[];
  /** What the load was sent to. */
  through: 'gateway' | 'broker';
  load: LoadReport;
  delivered: Delivered;
  freshness: Freshness;
  /** From the end of the load until all of it was committed. */
  drainSeconds: number;
  rows: SteadyRows;
  /** Of the load's time, but for what is highest, which is of all of it. */
  run: RunSummary;
  samples: Sample[];
}

export function steadyText(report: SteadyReport): string {
  const { machine, load, drainSeconds, rows, run } = report;
  return `${machine.cores} cores (${machine.processor}), Node ${machine.node}, ClickHouse ${machine.clickhouse}; load, services and servers share them
load average at start: ${report.loadAverageAtStart.map((one) => one.toFixed(1)).join(', ')}

${loadText(report)}
${freshnessText(report.freshness)}
${summaryText(run)}
committed ${drainSeconds} s after the load's end
${count(rows.accepted)} events accepted, ${count(rows.inLog)} in the log, ${count(rows.positions)} positions with an outcome
${count(rows.different)} different events, ${count(rows.interactions)} rows of ${count(rows.distinct)} different events: ${rows.right ? 'right' : 'WRONG'}${writtenAgain(rows)}
${load.sent < load.planned ? `NOT REACHED: ${count(load.rate)} events a second were asked for, ${count(load.sentPerSecond)} were sent\n` : ''}`;
}

function loadText({ through, load, delivered }: SteadyReport): string {
  return table(
    [{ title: `load, through the ${through}` }, { title: '', right: true }],
    [
      ['events a second, planned', count(load.rate)],
      ['events a second, sent', count(load.sentPerSecond)],
      ['seconds', count(load.seconds)],
      ['events sent', count(load.sent)],
      ['the most it was behind its clock, events', count(load.behindEventsMax)],
      ['seconds behind, from a second’s events late to none', count(load.behindSeconds)],
      [`batches of up to ${count(load.batches.eventsMax)}`, count(load.batches.count)],
      ['a batch until acknowledged, p50 ms', count(Math.round(load.batches.p50Ms))],
      ['p99', count(Math.round(load.batches.p99Ms))],
      ['longest', count(Math.round(load.batches.maxMs))],
      ['sent again because it was not taken', count(delivered.resent)],
    ],
  );
}

function freshnessText(freshness: Freshness): string {
  const row = (name: string, { p50Ms, p95Ms, p99Ms, maxMs }: Spread): string[] => [
    name,
    ...[p50Ms, p95Ms, p99Ms, maxMs].map(count),
  ];
  const { tenants, everyMs, pollMs, measured, unseen, skipped, apiErrors } = freshness;
  const drawn = table(
    [{ title: 'milliseconds' }, ...['p50', 'p95', 'p99', 'longest'].map((title) => ({ title, right: true }))],
    [
      row('request to 202', freshness.acceptedMs),
      row('202 to counted in ClickHouse', freshness.countedMs),
      row('202 to the figure in the api', freshness.shownMs),
      row('one call of the api, within that', freshness.callMs),
    ],
  );
  return `${drawn}${count(measured)} single events of ${tenants} tenants, one every ${everyMs} ms; looked for every ${pollMs} ms
${unseen} not seen within a minute, ${skipped} left out because every tenant had one under way, ${apiErrors} answers of the api other than 200
`;
}
