/**
 * The report of a run, for people and for machines.
 */
import { count, table } from '@tally/cli/print';
import { CHECKPOINTS } from '@tally/consumer';
import { SERVER_FAULT_TEXTS, SERVER_FAULTS } from './form.ts';
import type { Chaos, ChaosOptions, DoneFault } from './run.ts';
import type { Verdict } from './verdict.ts';

const DIFFERENCES_SHOWN_MAX = 40;

/** Everything, as one JSON object. */
export function jsonReport({ seed, form, until }: ChaosOptions, chaos: Chaos, verdict: Verdict): object {
  const { plans, sent, serverFaults, unplanned, lives, durationMs } = chaos;
  return {
    ok: verdict.ok,
    seed,
    form: form.name,
    until: until.toISOString(),
    sent: sent.sent,
    records: verdict.records,
    durationMs,
    lost: verdict.lost,
    countedTwice: verdict.countedTwice,
    killsPerPlace: Object.fromEntries(plans.kills),
    freezesPerPlace: Object.fromEntries(plans.freezes),
    lives,
    serverFaults,
    unplanned,
    deadLetters: verdict.deadLetters,
    ledger: verdict.ledger,
    meters: verdict.meters,
    audit: verdict.audit,
    repeatedSends: verdict.repeatedSends,
    uncertainRetries: sent.uncertainRetries,
    differences: verdict.differences,
    shortfalls: verdict.shortfalls,
  };
}

/** The same for people. */
export function textReport(options: ChaosOptions, chaos: Chaos, verdict: Verdict): string {
  return [
    summary(options, chaos, verdict),
    consumerFaults(chaos),
    serverFaults(chaos.serverFaults),
    ledger(verdict),
    deadLetters(verdict),
    meters(verdict),
    audit(verdict),
    conclusion(options, chaos, verdict),
  ].join('\n');
}

function summary({ seed, form }: ChaosOptions, { sent, durationMs, lives }: Chaos, verdict: Verdict): string {
  const minutes = (durationMs / 60_000).toFixed(1);
  return [
    `chaos, ${form.name} form, seed ${seed}`,
    `${count(form.events)} events and ${count(sent.sent - form.events)} profile records sent in ${minutes} minutes; ` +
      `${count(verdict.records)} records in the log, ${count(verdict.repeatedSends)} of them sent again in an outage`,
    `${form.consumers} consumers lived ${count(lives)} lives`,
    '',
  ].join('\n');
}

function consumerFaults({ plans }: Chaos): string {
  const rows = CHECKPOINTS.map((place) => [
    place,
    count(plans.kills.get(place) ?? 0),
    count(plans.freezes.get(place) ?? 0),
  ]);
  return table(
    [
      { title: 'consumers, at the place' },
      { title: 'SIGKILL', right: true },
      { title: 'SIGSTOP past the session', right: true },
    ],
    [...rows, ['in all', count(plans.killsDone()), count(plans.freezesDone())]],
  );
}

function serverFaults(done: readonly DoneFault[]): string {
  const rows = SERVER_FAULTS.flatMap((fault) => {
    const times = done.filter((one) => one.fault === fault);
    if (times.length === 0) return [];
    const lags = times.map(({ lag }) => lag).sort((a, b) => a - b);
    const skipped = times.find((one) => one.skipped);
    // Kills say only a process id; of what was done once or twice the details say more.
    const details = times.length > 2 ? [] : times.map(({ detail }) => detail);
    const remark = skipped ? `skipped: ${skipped.detail}` : details.join('; ');
    return [[SERVER_FAULT_TEXTS[fault], count(skipped ? 0 : times.length), count(lags[lags.length >> 1] ?? 0), remark]];
  });
  return table(
    [
      { title: 'servers and group' },
      { title: 'times', right: true },
      { title: 'lag then', right: true },
      { title: '' },
    ],
    rows,
  );
}

function ledger({ ledger: rows }: Verdict): string {
  return table(
    [
      { title: 'topic' },
      { title: 'partition', right: true },
      { title: 'committed - start', right: true },
      { title: 'counted', right: true },
      { title: 'duplicate', right: true },
      { title: 'conflicting', right: true },
      { title: 'void', right: true },
      { title: 'suppressed', right: true },
      { title: 'dead letter', right: true },
      { title: 'control', right: true },
      { title: '' },
    ],
    rows.map(({ topic, partition, start, committed, outcomes, balanced, wrong }) => [
      topic,
      String(partition),
      count(committed - start),
      ...(['counted', 'duplicate', 'conflicting', 'void', 'suppressed', 'dead-letter', 'control'] as const).map((one) =>
        count(outcomes[one] ?? 0),
      ),
      balanced && wrong === 0 ? 'balanced' : `NOT BALANCED, ${wrong} wrong`,
    ]),
  );
}

function deadLetters({ deadLetters: { reasons, repeated } }: Verdict): string {
  const rows = reasons.map(({ reason, expected, found }) => [
    reason,
    count(expected),
    count(found),
    expected === found ? 'equal' : 'DIFFERENT',
  ]);
  const drawn = table(
    [{ title: 'dead letters' }, { title: 'expected', right: true }, { title: 'found', right: true }, { title: '' }],
    rows,
  );
  return `${drawn}${count(repeated)} dead letters were sent once more after a crash, with the same origin\n`;
}

function meters({ meters: { interactions, engaged, unified } }: Verdict): string {
  const row = (name: string, { figures, different, total }: typeof engaged): string[] => [
    name,
    count(figures),
    count(total),
    different === 0 ? 'equal' : `${count(different)} DIFFERENT`,
  ];
  return table(
    [
      { title: 'meter against the truth' },
      { title: 'figures', right: true },
      { title: 'their sum', right: true },
      { title: '' },
    ],
    [
      row('interactions, a month', interactions),
      row('engaged people, at a month’s end', engaged),
      row('unified people', unified),
    ],
  );
}

function audit({ audit: { comparisons } }: Verdict): string {
  return table(
    [{ title: 'tally ledger --verify' }, { title: 'compared', right: true }, { title: 'differing', right: true }],
    comparisons.map(({ name, compared, differing }) => [name, count(compared), count(differing)]),
  );
}

function conclusion({ seed }: ChaosOptions, { unplanned }: Chaos, verdict: Verdict): string {
  const lines = [`lost: ${count(verdict.lost)}   counted twice: ${count(verdict.countedTwice)}`];
  for (const { consumer, how, lastWords } of unplanned) lines.push(`unplanned: ${consumer} ${how}: ${lastWords}`);
  lines.push(...verdict.differences.slice(0, DIFFERENCES_SHOWN_MAX));
  for (const shortfall of verdict.shortfalls) lines.push(`not done: ${shortfall}`);
  lines.push(
    verdict.ok
      ? 'Nothing lost, nothing counted twice; every figure equals the truth.'
      : `FAILED: ${count(verdict.differences.length)} differences, ${verdict.shortfalls.length} faults short; seed ${seed}`,
  );
  return `${lines.join('\n')}\n`;
}
