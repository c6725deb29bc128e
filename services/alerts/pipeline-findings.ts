/**
 * What operators must know: what the pipeline has not counted yet, could not count, or is about to lose. These alerts last
 * over midnight: one that is open is not told again because a day has begun. (Rules: "Alerts".)
 */
import { dayOf } from '@tally/metering';
import type { Found } from './finding.ts';
import { DEAD_LETTER_WINDOW_HOURS, type OperatorObservation } from './observation.ts';
import type { RuleOf } from './rules.ts';
import { count, counted, daysBetween, duration, METER_WORDS, percent } from './words.ts';

const MS_PER_SECOND = 1_000;
const MS_PER_HOUR = 3_600_000;

/** For each topic: records that are not committed, or the age of the oldest of them (0 where there is none). */
export function consumerLag({ measure }: RuleOf<'consumer-lag'>, { at, lag }: OperatorObservation): Found[] {
  return (lag ?? []).map(({ topic, records, oldestAgeSeconds }) => {
    const age = records === 0 ? 0 : (oldestAgeSeconds ?? 0);
    return {
      ...lasting(at, topic),
      value: measure === 'records' ? records : age,
      unit: measure === 'records' ? 'records' : 'seconds',
      title:
        measure === 'records'
          ? `${counted(records, 'record')} of ${topic} not counted yet`
          : `The oldest record of ${topic} not counted yet is ${duration(age)} old`,
      detail: `${counted(records, 'record')} of ${topic} wait, the oldest for ${duration(age)}. Figures are short of them until they are counted; none is lost. Do the consumers run (\`tally status\`), and does ClickHouse take inserts? If both are well, there is more to count than they can: start more consumers.`,
      figures: { records, oldestAgeSeconds: age },
    };
  });
}

/** New dead letters; or their share of all records, which says nothing where there were none, nor for a few. */
export function deadLetters(
  { measure, numberMin }: RuleOf<'dead-letters'>,
  { at, deadLetters: seen }: OperatorObservation,
): Found[] {
  if (!seen) return [];
  const { number, records } = seen;
  const hours = `${DEAD_LETTER_WINDOW_HOURS} hours`;
  const share = records === 0 ? 0 : number / records;
  return [
    {
      ...lasting(at, 'dead-letters'),
      value: measure === 'number' ? number : share,
      onlyBetter: number < numberMin,
      unit: measure === 'number' ? 'records' : 'share',
      title:
        measure === 'number'
          ? `${counted(number, 'new dead letter')} in ${hours}`
          : `${percent(share)} of the records of ${hours} are dead letters`,
      detail: `${count(number)} of ${counted(records, 'record')} in the last ${hours} could not count. They are kept with their reasons: \`tally dead-letters list\` shows them, \`retry\` sends again what was put right.`,
      figures: { number, records },
    },
  ];
}

/** The largest age among the last run that succeeded and the meters: one thing to know, whichever of them is behind. */
export function staleFigures(_: RuleOf<'stale-figures'>, { at, figures }: OperatorObservation): Found[] {
  if (!figures) return [];
  const ages = [
    { name: 'lastRun', of: 'the last successful run', since: figures.lastSuccessAt },
    ...figures.meters.map(({ meter, freshAt }) => ({ name: meter, of: METER_WORDS[meter], since: freshAt })),
  ].flatMap(({ name, of, since }) =>
    since === null ? [] : { name, of, seconds: Math.max(0, at - since) / MS_PER_SECOND },
  );
  const [oldest] = ages.sort((a, b) => b.seconds - a.seconds);
  // Nothing has been published yet, so nothing is stale.
  if (!oldest) return [];
  const { of, seconds } = oldest;
  return [
    {
      ...lasting(at, 'figures'),
      value: seconds,
      unit: 'seconds',
      title: `Published figures are ${duration(seconds)} old`,
      detail: `Furthest behind: ${of}. No event is lost by it; \`tally runs\` says when the aggregator ran, and what failed.`,
      figures: Object.fromEntries(ages.map((one) => [one.name, Math.floor(one.seconds)])),
    },
  ];
}

/** How many partitions do not add up. */
export function ledgerMismatch(_: RuleOf<'ledger-mismatch'>, { at, ledger }: OperatorObservation): Found[] {
  if (!ledger) return [];
  const { partitions, unbalanced } = ledger;
  const names = unbalanced.map(({ topic, partition }) => `${topic}/${partition}`).join(', ');
  return [
    {
      ...lasting(at, 'ledger'),
      value: unbalanced.length,
      unit: 'partitions',
      title: `The ledger does not add up in ${unbalanced.length} of ${counted(partitions, 'partition')}`,
      detail: `Some record of ${names === '' ? 'the log' : names} does not have exactly one outcome, so figures may be wrong. \`tally ledger --verify\` names each position; issue no statements before it is clear.`,
      figures: { partitions, unbalanced: unbalanced.length, names },
    },
  ];
}

/** For each topic: hours until its first unread record is deleted; none where all is read or nothing is ever deleted. */
export function logExpiry(_: RuleOf<'log-expiry'>, { at, expiry }: OperatorObservation): Found[] {
  return (expiry ?? []).map(({ topic, unread, firstExpiresAt }) => {
    const expires = unread === 0 ? null : firstExpiresAt;
    const hours = expires === null ? null : Math.max(0, expires - at) / MS_PER_HOUR;
    const when = expires === null ? 'never' : new Date(expires).toISOString();
    return {
      ...lasting(at, topic),
      value: hours,
      unit: 'hours',
      title:
        hours === null
          ? `${topic} keeps what is unread`
          : `${topic} deletes unread records in ${duration(hours * 3600)}`,
      detail: `${counted(unread, 'record')} of ${topic} are not counted, and its retention deletes the first of them at ${when}. What is deleted unread is lost. Make the topic’s retention longer now, then see why the consumers are behind.`,
      figures: { unread, firstExpiresAt: expires === null ? null : when },
    };
  });
}

/** Days since the oldest statement that is missing could be issued. */
export function statementsOverdue(_: RuleOf<'statements-overdue'>, { at, statements }: OperatorObservation): Found[] {
  if (!statements) return [];
  const { missing, oldestMonth, dueSince } = statements;
  const days = missing === 0 || dueSince === null ? 0 : Math.max(0, daysBetween(dueSince, dayOf(at)));
  return [
    {
      ...lasting(at, 'statements'),
      value: days,
      unit: 'days',
      title: `${counted(missing, 'statement')} overdue, the oldest for ${counted(days, 'day')}`,
      detail: `${missing === 1 ? '1 statement is' : `${count(missing)} statements are`} missing, the oldest of ${oldestMonth ?? 'no month'}, which could be issued from ${dueSince ?? 'no day'} on. \`tally runs\` says why the job did not issue; \`tally statement\` issues by hand.`,
      figures: { missing, oldestMonth, dueSince },
    },
  ];
}

function lasting(at: number, subject: string): Pick<Found, 'subject' | 'period' | 'lasting'> {
  return { subject, period: dayOf(at), lasting: true };
}
