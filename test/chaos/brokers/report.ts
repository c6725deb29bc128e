/**
 * The report of a run with three brokers, for people and for machines.
 */
import { count, table } from '@tally/cli/print';
import type { BrokersReport } from './run.ts';

const DIFFERENCES_SHOWN_MAX = 40;

export function brokersJson(report: BrokersReport): object {
  return report;
}

export function brokersText(report: BrokersReport): string {
  const { seed, form, events, acknowledged, faults, outcomes, answers, audit, differences } = report;
  const right = true;
  const rows = faults.map((one) => [
    `${one.at} s`,
    one.fault,
    one.brokers.join(' and '),
    `${(one.withoutGatewayMs / 1000).toFixed(1)} s`,
    `${(one.withoutProducerMs / 1000).toFixed(1)} s`,
  ]);
  const titles = [{ title: 'at', right }, { title: 'killed or frozen' }, { title: 'broker' }];
  const waits = ['longest without a 202', 'without a resolved call'].map((title) => ({ title, right }));
  const counts = (of: Partial<Record<string, number>>): string =>
    Object.entries(of)
      .map(([name, number]) => `${name} ${count(number ?? 0)}`)
      .join(', ');
  return [
    `chaos of brokers, ${form} form, seed ${seed}, ${Math.round(report.durationMs / 1000)} s`,
    `${count(events)} events, ${count(acknowledged)} acknowledged; answers: ${counts(answers)}`,
    table([...titles, ...waits], rows),
    `outcomes: ${counts(outcomes)}`,
    `the ledger, counted again from tables and Kafka: ${audit.verified ? 'true' : 'NOT TRUE'}`,
    `lost: ${count(report.lost)}   counted twice: ${count(report.countedTwice)}`,
    ...differences.slice(0, DIFFERENCES_SHOWN_MAX),
    report.ok
      ? 'Nothing lost, nothing counted twice.'
      : `FAILED: ${count(differences.length)} differences; seed ${seed}`,
    '',
  ].join('\n');
}
