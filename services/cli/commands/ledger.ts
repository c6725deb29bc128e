import { type Difference, type Verification, type VerifyStep, verify } from '@tally/audit';
import type { LedgerAnswer } from '@tally/contract';
import type { LedgerPartition } from '@tally/figures';
import { readTopic } from '@tally/platform/kafka';
import { Command } from 'commander';
import { type ApiAddress, ApiClient } from '../api-client.ts';
import { connect } from '../connection.ts';
import { apiOptions, jsonOption } from '../options.ts';
import { count, freshness, print, printJson, table } from '../print.ts';
import { type Progress, progressBar } from '../progress.ts';

interface LedgerOptions extends ApiAddress {
  verify: boolean;
  json: boolean;
}

/** Differences shown to people; `--json` has more. */
const DIFFERENCES_SHOWN_MAX = 50;

/** `tally ledger`: whether every log position has exactly one outcome; with `--verify`, whether it is the right one. */
export function ledgerCommand(): Command {
  const command = new Command('ledger')
    .description('what became of every record of the log; exit 1 when a position has no outcome, or more than one')
    .option(
      '--verify',
      'recount everything twice over, from the table of interactions and from Kafka, and compare; works on the Kafka ' +
        'and the ClickHouse of the instance, or on those of TALLY_KAFKA, TALLY_CLICKHOUSE_URL, …',
      false,
    )
    .addOption(jsonOption())
    .action((options: LedgerOptions) => (options.verify ? verifyLedger(options) : showLedger(options)));
  for (const option of apiOptions()) command.addOption(option);
  return command;
}

async function showLedger({ json, ...address }: LedgerOptions): Promise<void> {
  const ledger = await ApiClient.of(address).ledger();
  if (!ledger.balanced) process.exitCode = 1;
  if (json) return printJson(ledger);
  printLedger(ledger);
  print(freshness(ledger.asOf));
}

const OUTCOMES = ['counted', 'duplicate', 'conflicting', 'void', 'suppressed', 'deadLetter', 'control'] as const;

function printLedger({ balanced, lag, partitions }: LedgerAnswer): void {
  const numbers = ['start', 'committed', 'lag', ...OUTCOMES].map((title) => ({ title, right: true }));
  const rows = partitions.map((of) => [
    of.closed ? `${of.topic} (epoch ${of.epoch}, over)` : of.topic,
    String(of.partition),
    count(of.start),
    count(of.committed),
    count(of.end - of.committed),
    ...OUTCOMES.map((outcome) => count(of[outcome])),
    of.balanced ? 'yes' : `NO: ${imbalance(of)}`,
  ]);
  print(table([{ title: 'topic' }, { title: 'partition', right: true }, ...numbers, { title: 'balanced' }], rows));
  const verdict = balanced ? 'Balanced: every position has exactly one outcome.' : 'NOT BALANCED.';
  print(`${verdict} Lag ${count(lag)}.\n`);
}

function imbalance(of: LedgerPartition): string {
  if (of.end < of.committed) return `the log ends at ${count(of.end)}`;
  const missing = of.committed - of.start - OUTCOMES.reduce((sum, outcome) => sum + of[outcome], 0);
  if (missing > 0) return `${count(missing)} without an outcome`;
  return missing < 0 ? `${count(-missing)} outcomes too many` : 'as many without an outcome as with two';
}

async function verifyLedger({ data, json }: LedgerOptions): Promise<void> {
  const { kafka, admin, clickhouse, topics, groupId, close } = connect(data);
  const progress = new VerifyProgress();
  try {
    const verification = await verify({
      clickhouse,
      admin,
      groupId,
      topics,
      clock: Date.now,
      readTopic: (topic, visit) => readTopic({ kafka, admin }, topic, visit),
      onProgress: (step, done, total) => progress.update(step, done, total),
    });
    if (!verification.verified) process.exitCode = 1;
    if (json) printJson(verification);
    else printVerification(verification);
  } finally {
    progress.stop();
    await close();
  }
}

function printVerification({ verified, ledger, comparisons, differences, durationMs }: Verification): void {
  if (!ledger.balanced) printLedger(ledger);
  const rows = comparisons.map(({ name, compared, differing, note }) => [
    name,
    count(compared),
    count(differing),
    note ?? '',
  ]);
  const numbers = ['compared', 'differ'].map((title) => ({ title, right: true }));
  print(table([{ title: 'comparison' }, ...numbers, { title: 'note' }], rows));
  const shown = differences.slice(0, DIFFERENCES_SHOWN_MAX);
  for (const difference of shown) print(`${describe(difference)}\n`);
  const differing = comparisons.reduce((sum, comparison) => sum + comparison.differing, 0);
  if (differing > shown.length) print(`… and ${count(differing - shown.length)} more; --json lists them\n`);
  const records = ledger.partitions.reduce((sum, { start, committed }) => sum + committed - start, 0);
  const verdict = verified ? 'Verified' : differing > 0 ? `${count(differing)} DIFFERENCES` : 'NOT BALANCED';
  print(`${verdict}: ${count(records)} log positions, recounted twice over in ${(durationMs / 1000).toFixed(1)} s.\n`);
}

function describe({ topic, partition, offset, comparison, what }: Difference): string {
  return topic === undefined ? `${comparison}: ${what}` : `${topic}/${partition}/${offset}  ${what}`;
}

const STEPS: Readonly<Record<VerifyStep, { what: string; unit: string }>> = {
  tables: { what: 'tables', unit: 'checks' },
  records: { what: 'recounting', unit: 'records' },
};

/** One bar after the other; a step that begins again has a new one. */
class VerifyProgress {
  #bar: Progress | undefined;
  #step: VerifyStep | undefined;
  #done = 0;

  update(step: VerifyStep, done: number, total: number): void {
    if (step !== this.#step || done < this.#done) {
      this.stop();
      this.#bar = progressBar(STEPS[step].what, total, STEPS[step].unit);
      this.#step = step;
    }
    this.#done = done;
    if (done === total) this.#bar?.finish(total);
    else this.#bar?.update(done);
  }

  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}
