import { userInfo } from 'node:os';
import {
  type DeadLetterContext,
  discard,
  type ListedLetter,
  list,
  named,
  ORIGIN_FORM,
  originText,
  parseOrigin,
  REASON_CHARACTERS_MAX,
  type RetryResult,
  retry,
  STATES,
  type State,
  show,
} from '@tally/dead-letters';
import { Sender } from '@tally/platform/kafka';
import { createLog } from '@tally/platform/log';
import { Command, InvalidArgumentError, Option } from 'commander';
import { confirmed, requireYes } from '../confirm.ts';
import { connect } from '../connection.ts';
import { letterJson, printLetters, printShown, shownJson } from '../dead-letter-print.ts';
import { dataOption, dayText, jsonOption, whole } from '../options.ts';
import { count, print, printJson, table } from '../print.ts';
import { progressBar } from '../progress.ts';
import { visible } from '../visible.ts';

interface CommonOptions {
  data: string;
  json: boolean;
}

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 1_000_000;
/** A retry of more than this shows progress. */
const QUIET_LETTERS_MAX = 100;
/** How long one request to Kafka is tried, milliseconds. */
const DELIVERY_TIMEOUT_MS = 30_000;

/** `tally dead-letters …`: what could not count, why, and what somebody does about it. */
export function deadLettersCommand(): Command {
  const command = new Command('dead-letters').description('records that could not count: list, show, retry, discard');
  command.addCommand(listCommand()).addCommand(showCommand()).addCommand(retryCommand()).addCommand(discardCommand());
  for (const part of command.commands) part.addOption(dataOption()).addOption(jsonOption());
  return command;
}

function listCommand(): Command {
  return new Command('list')
    .description('which there are, newest first')
    .option('--reason <code>', 'only those with this reason')
    .option('--topic <topic>', 'only those from this topic')
    .addOption(new Option('--state <state>', 'only those in this state').choices([...STATES, 'all']).default('open'))
    .option('--since <day>', 'only those put there on this UTC day or later, YYYY-MM-DD', dayText)
    .option('--limit <n>', 'show at most this many', whole(1, LIMIT_MAX), LIMIT_DEFAULT)
    .action(runList);
}

type ListOptions = CommonOptions & {
  reason?: string;
  topic?: string;
  state: State | 'all';
  since?: string;
  limit: number;
};

async function runList({ data, json, limit, since, ...filter }: ListOptions): Promise<void> {
  await within(data, async (context) => {
    const from = since === undefined ? undefined : Date.parse(since);
    const letters = await list(context, { ...filter, since: from });
    const shown = letters.slice(0, limit);
    const byReason = Object.fromEntries(
      [...Map.groupBy(letters, ({ reason }) => reason)]
        .map(([reason, some]) => [reason, some.length] as const)
        .sort(([, a], [, b]) => b - a),
    );
    if (json) printJson({ letters: shown.map(letterJson), total: letters.length, byReason });
    else printLetters({ letters: shown, total: letters.length, byReason, state: filter.state });
  });
}

function showCommand(): Command {
  return new Command('show')
    .description('one of them in full: headers, key, content, what it was retried from and what came of its retries')
    .argument('<origin>', `${ORIGIN_FORM} of the refused record`, originArgument)
    .action((origin: string, { data, json }: CommonOptions) =>
      within(data, async (context) => {
        const shown = await show(context, origin);
        if (json) printJson(shownJson(shown));
        else printShown(shown);
      }),
    );
}

function retryCommand(): Command {
  return new Command('retry')
    .description('send refused records again, byte for byte, to the topic they came from; an event never counts twice')
    .argument('[origin...]', `${ORIGIN_FORM} of each`, originArguments)
    .option('--all', 'all open ones', false)
    .option('--reason <code>', 'with --all: only those with this reason')
    .option('--rekey', 'give each the key its content asks for', false)
    .option('--force', 'send even what will obviously be refused again', false)
    .option('--by <who>', 'kept with the retry', userInfo().username)
    .option('--yes', 'do not ask', false)
    .action(runRetry);
}

type RetryCommandOptions = CommonOptions & {
  all: boolean;
  reason?: string;
  rekey: boolean;
  force: boolean;
  by: string;
  yes: boolean;
};

async function runRetry(origins: string[], options: RetryCommandOptions, command: Command): Promise<void> {
  const { data, json, all, reason, rekey, force, by, yes } = options;
  if (all === origins.length > 0) command.error('error: name dead letters, or say --all', { exitCode: 2 });
  if (reason !== undefined && !all) command.error('error: --reason goes with --all', { exitCode: 2 });
  if (all || origins.length > 1) requireYes(command, yes);
  await within(data, async (context) => {
    const letters = all ? (await list(context, { state: 'open', reason })).reverse() : await named(context, origins);
    const bulk = all || letters.length > 1;
    if (bulk && !yes && letters.length > 0 && !(await confirmed(`Send ${count(letters.length)} record(s) again?`))) {
      process.exitCode = 1;
      return;
    }
    const result = await sendAgain(context, letters, { rekey, force, by });
    if (json) printJson(result);
    else printRetried(result, { rekey });
    if (result.refused.length > 0) process.exitCode = 1;
  });
}

async function sendAgain(
  context: DeadLetterContext,
  letters: readonly ListedLetter[],
  how: { rekey: boolean; force: boolean; by: string },
): Promise<RetryResult> {
  const log = createLog('tally', 'error');
  const sender = new Sender({ kafka: context.kafka, log, deliveryTimeoutMs: DELIVERY_TIMEOUT_MS });
  const bar = letters.length > QUIET_LETTERS_MAX ? progressBar('retrying', letters.length, 'dead letters') : undefined;
  try {
    const result = await retry(context, letters, { ...how, sender, onProgress: (done) => bar?.update(done) });
    bar?.finish(result.sent.length + result.refused.length);
    return result;
  } finally {
    bar?.stop();
    await sender.close();
  }
}

const REFUSED_SHOWN_MAX = 20;

function printRetried({ sent, refused }: RetryResult, { rekey }: { rekey: boolean }): void {
  const known = sent.filter((one) => one.known).length;
  print(`sent again ${count(sent.length)} record(s)\n`);
  if (known > 0) print(`the events of ${count(known)} of them were known already, so they change no figure\n`);
  if (refused.length === 0) return;
  const rows = refused
    .slice(0, REFUSED_SHOWN_MAX)
    .map(({ origin, reason, detail }) => [visible(origin), reason, visible(detail)]);
  print(table([{ title: 'not sent' }, { title: 'would end as' }, { title: 'since' }], rows));
  if (refused.length > rows.length) print(`and ${count(refused.length - rows.length)} more\n`);
  const keys = !rekey && refused.some(({ reason }) => reason === 'missing-key' || reason === 'key-mismatch');
  print(`not sent ${count(refused.length)}; --force sends what comes from a metered topic all the same\n`);
  if (keys) print('--rekey gives each the key its content asks for\n');
}

function discardCommand(): Command {
  return new Command('discard')
    .description('say that these are not to be dealt with any further; they stay in the topic, and this on record')
    .argument('<origin...>', `${ORIGIN_FORM} of each`, originArguments)
    .requiredOption('--because <reason>', 'why; kept for ever', reasonText)
    .option('--by <who>', 'kept with the discard', userInfo().username)
    .option('--yes', 'do not ask', false)
    .action(runDiscard);
}

type DiscardCommandOptions = CommonOptions & { because: string; by: string; yes: boolean };

async function runDiscard(origins: string[], options: DiscardCommandOptions, command: Command): Promise<void> {
  const { data, json, because, by, yes } = options;
  const bulk = origins.length > 1;
  if (bulk) requireYes(command, yes);
  if (bulk && !yes && !(await confirmed(`Discard ${count(origins.length)} dead letters?`))) {
    process.exitCode = 1;
    return;
  }
  await within(data, async (context) => {
    const discarded = await discard(context, origins, { because, by });
    if (json) printJson({ discarded, because, by });
    else print(`discarded ${count(discarded.length)}, on record with the reason\n`);
  });
}

async function within(dataDir: string, work: (context: DeadLetterContext) => Promise<void>): Promise<void> {
  const { close, ...connection } = connect(dataDir);
  try {
    await work({ ...connection, clock: Date.now });
  } finally {
    await close();
  }
}

/** The name as it is kept, or wrong usage. */
function originArgument(text: string): string {
  try {
    return originText(parseOrigin(text));
  } catch {
    throw new InvalidArgumentError(`expected ${ORIGIN_FORM}`);
  }
}

function originArguments(text: string, before: string[] = []): string[] {
  return [...before, originArgument(text)];
}

function reasonText(text: string): string {
  const reason = text.trim();
  if (reason !== '' && reason.length <= REASON_CHARACTERS_MAX) return reason;
  throw new InvalidArgumentError(`expected a reason, of 1 to ${REASON_CHARACTERS_MAX} characters`);
}
