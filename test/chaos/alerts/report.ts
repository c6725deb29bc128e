/**
 * The report of a run, for people and for machines.
 */
import { count, table } from '@tally/cli/print';
import { AGGREGATOR_PLACES, PLACES } from './places.ts';
import type { AlertChaos, AlertChaosOptions } from './run.ts';
import type { AlertVerdict } from './verdict.ts';

const DIFFERENCES_SHOWN_MAX = 40;

/** Everything, as one JSON object. */
export function alertsJson({ seed, form }: AlertChaosOptions, chaos: AlertChaos, verdict: AlertVerdict): object {
  const { rounds, tenants, receipts, lives, unplanned, durationMs } = chaos;
  const { deathsPerPlace, ...rest } = verdict;
  return {
    ...rest,
    seed,
    form: form.name,
    rounds,
    tenants,
    received: receipts.length,
    killsPerPlace: Object.fromEntries(deathsPerPlace),
    kills: killsOf(verdict),
    lives,
    unplanned,
    durationMs,
  };
}

/** The same for people. */
export function alertsText({ seed, form }: AlertChaosOptions, chaos: AlertChaos, verdict: AlertVerdict): string {
  const { told, keptBack, lost, repeated, mostReceipts, failedAnswers, differences, shortfalls, ok } = verdict;
  const minutes = (chaos.durationMs / 60_000).toFixed(1);
  const kills = table(
    [{ title: 'process' }, { title: 'killed at' }, { title: 'SIGKILL', right: true }],
    [
      ...PLACES.map((place) => {
        const aggregator = AGGREGATOR_PLACES.some((one) => one === place);
        return [aggregator ? 'aggregator' : 'notifier', place, count(verdict.deathsPerPlace.get(place) ?? 0)];
      }),
      ['', 'in all', count(killsOf(verdict))],
    ],
  );
  const figures = table(
    [{ title: 'changes of alerts' }, { title: '', right: true }],
    [
      ['to be told, by the figures and the rules alone', count(told)],
      ['kept back by a silence', count(keptBack)],
      ['never received', count(lost)],
      ['received once more after a kill', count(repeated)],
      ['the most often one was received', count(mostReceipts)],
      ['attempts that the receiver failed or dropped', count(failedAnswers)],
    ],
  );
  return [
    `chaos of alerts, ${form.name} form, seed ${seed}: ${count(chaos.rounds)} steps of ${count(chaos.tenants)} tenants`,
    `in ${minutes} minutes; the processes lived ${count(chaos.lives)} lives`,
    '',
    kills + figures,
    ...chaos.unplanned.map((one) => `unplanned: ${one}`),
    ...differences.slice(0, DIFFERENCES_SHOWN_MAX),
    ...shortfalls.map((one) => `not done: ${one}`),
    ok
      ? 'No alert lost, each told under one id with one content, and again only where a kill explains it.'
      : `FAILED: ${count(differences.length)} differences, ${shortfalls.length} kills short; seed ${seed}`,
    '',
  ].join('\n');
}

function killsOf({ deathsPerPlace }: AlertVerdict): number {
  return [...deathsPerPlace.values()].reduce((sum, one) => sum + one, 0);
}
