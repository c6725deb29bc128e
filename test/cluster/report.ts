import { count, table } from '@tally/cli/print';
import type { Outage } from './outage.ts';
import type { ReplicasReport } from './replicas.ts';
import type { ClusterReport } from './run.ts';

const right = (...titles: string[]) => titles.map((title) => ({ title, right: true }));

/** A run, for people. */
export function textReport(seed: number, report: ClusterReport): string {
  const { outages, reshardings, oneServer, truth } = report;
  const copied = table(
    [
      { title: 'shards' },
      ...right('rows', 'copied s', 'in all s', 'bytes before', 'bytes after', 'figures', 'different'),
    ],
    reshardings.map(({ from, to, rows, copyMs, totalMs, bytes, after }) => [
      `${from} to ${to}`,
      count(rows),
      (copyMs / 1000).toFixed(1),
      (totalMs / 1000).toFixed(1),
      ...[bytes.source, bytes.target, after.figures, after.differences.length].map(count),
    ]),
  );
  return [
    `seed ${seed}, ${count(report.records)} records, ${(report.durationMs / 1000).toFixed(0)} s\n`,
    killed(outages),
    copied,
    `lost ${report.lost}, counted twice ${report.countedTwice}\n`,
    `two shards and one server: ${count(oneServer.figures)} figures, ${oneServer.differences.length} different; ` +
      `ledgers ${oneServer.balanced ? 'balanced' : 'NOT balanced'}\n`,
    `two shards and the simulator: ${count(truth.figures)} figures, ${truth.differences.length} different\n`,
    ...report.faults.slice(0, 20).map((fault) => `${fault}\n`),
    report.ok ? 'everything is equal\n' : `NOT OK: ${report.faults.length} fault(s)\n`,
  ].join('');
}

/** A run on replicas, for people. */
export function textOfReplicas(seed: number, report: ReplicasReport): string {
  const { outages, connected, copies } = report;
  const said = ({ figures, differences, balanced }: ReplicasReport['copies']): string =>
    `${count(figures)} figures, ${differences.length} different; ledgers ${balanced ? 'balanced' : 'NOT balanced'}`;
  return [
    `seed ${seed}, ${count(report.records)} records, ${(report.durationMs / 1000).toFixed(0)} s\n`,
    killed(outages),
    `lost ${report.lost}, counted twice ${report.countedTwice}, the log ${report.verified ? 'bears out' : 'does NOT bear out'} every figure\n`,
    `two shards and one server: ${said(connected)}\n`,
    `their copies and one server: ${said(copies)}\n`,
    ...report.faults.slice(0, 20).map((fault) => `${fault}\n`),
    report.ok ? 'everything is equal\n' : `NOT OK: ${report.faults.length} fault(s)\n`,
  ].join('');
}

function killed(outages: readonly Outage[]): string {
  return table(
    [
      { title: 'struck' },
      ...right('away ms', 'answers exact', 'refused', 'wrong', 'slowest ms', 'gateway 202', 'others counted'),
    ],
    outages.map(({ what, awayMs, exact, refused, wrong, slowestMs, accepted, othersWentOnBy }) => [
      what,
      ...[awayMs, exact, refused, wrong.length, slowestMs, accepted, othersWentOnBy].map(count),
    ]),
  );
}
