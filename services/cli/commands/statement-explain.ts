/**
 * `tally statement explain`: how the figures of a statement are made, recounted within its bounds.
 */

import type { EvidenceQuery, StatementExplanation } from '@tally/contract';
import { TallyError } from '@tally/platform/errors';
import { EVIDENCE_FIGURES } from '@tally/statements/evidence';
import { Command, Option } from 'commander';
import { type ApiAddress, ApiClient } from '../api-client.ts';
import { apiOptions, dayText, jsonOption, monthText } from '../options.ts';
import { breakdown, count, print, printJson, table } from '../print.ts';

interface ExplainOptions extends ApiAddress, Omit<EvidenceQuery, 'figure'> {
  figure?: string;
  json: boolean;
}

/** Options that name a part of a figure. */
export const narrowingOptions = (): Option[] => [
  new Option('--environment <id>', 'only of this environment'),
  new Option('--channel <channel>', 'only of this channel (interactions)'),
  new Option('--day <day>', 'only of this day, YYYY-MM-DD (interactions)').argParser(dayText),
];

/** Exits with 1 where a figure does not add up any more. */
export function statementExplainCommand(): Command {
  const command = new Command('explain')
    .description('how a statement’s figures are made, counted once more within the log places it covers')
    .argument('<tenant>', 'tenant id')
    .argument('<month>', 'YYYY-MM', monthText)
    .addOption(new Option('--figure <figure>', 'the figure; default all of them').choices(EVIDENCE_FIGURES))
    .action(explain);
  for (const option of [...narrowingOptions(), jsonOption(), ...apiOptions()]) command.addOption(option);
  return command;
}

async function explain(
  tenantId: string,
  month: string,
  { figure, environment, channel, day, json, ...address }: ExplainOptions,
): Promise<void> {
  const api = ApiClient.of(address);
  const explanations: StatementExplanation[] = [];
  for (const one of figure === undefined ? figuresWith({ channel, day }) : [figure]) {
    explanations.push(await api.explainStatement(tenantId, month, { figure: one, environment, channel, day }));
  }
  if (json) printJson({ tenantId, month, figures: explanations });
  else {
    for (const one of explanations) tell(one);
    tellBounds(explanations);
  }
  const wrong = explanations.filter(({ addsUp }) => !addsUp).map((one) => one.figure);
  if (wrong.length === 0) return;
  throw new TallyError(`not what was stated, or not to be counted any more: ${wrong.join(', ')}`, {
    code: 'STATEMENT_DOES_NOT_ADD_UP',
    retriable: false,
  });
}

/** Only interactions have a channel and a day. */
function figuresWith({ channel, day }: Pick<EvidenceQuery, 'channel' | 'day'>): readonly string[] {
  return channel === undefined && day === undefined ? EVIDENCE_FIGURES : ['interactions'];
}

const NAMES: Readonly<Record<string, string>> = {
  interactions: 'interactions',
  engagedPeople: 'engaged people on the last day',
  engagedPeoplePeak: 'engaged people on the day with most',
  unifiedPeople: 'unified people on the last day',
  unifiedPeoplePeak: 'unified people on the day with most',
};

function tell(one: StatementExplanation): void {
  print(`${one.tenantId}, ${one.month}: ${NAMES[one.figure] ?? one.figure}\n`);
  const rows: [string, string][] = [
    ['part', Object.values(one.narrowedTo).join(', ')],
    ['stated', one.stated === null ? 'not told of this part' : count(one.stated)],
    ['counted now', one.counted === null ? 'not to be counted any more' : count(one.counted)],
    ['adds up', one.addsUp ? 'yes' : 'NO'],
    ['why not', one.notKept?.detail ?? ''],
    ['rule', wrapped(one.rule)],
    ...one.policies.map(({ first, last, policy, directions }): [string, string] => [
      'policy',
      `${policy} from ${first} to ${last}: ${directions.join(', ')}`,
    ]),
    ['by environment', wrapped(breakdown(one.by.environment ?? {}))],
    ['by channel', wrapped(breakdown(one.by.channel ?? {}))],
    ['by entity type', wrapped(breakdown(one.by.entityType ?? {}))],
    ['by day', wrapped(inOrder(one.by.day))],
    ['by month of the last', wrapped(inOrder(one.by.lastInteractionMonth))],
    ['rows behind it', one.rows === null ? '' : count(one.rows)],
    ['interactions', one.interactions === null ? '' : count(one.interactions)],
    ['taken back by voids', one.voided === null ? '' : count(one.voided)],
    ['came late', one.late ? `${count(one.late.interactions)}, after ${one.late.since}` : lateUnknown(one)],
    ['published', one.published ? `${one.published.at}, ${rulesText(one.published.rules)}` : ''],
  ];
  print(
    table(
      [{ title: '' }, { title: '' }],
      rows.filter(([, text]) => text !== ''),
    ),
  );
}

function lateUnknown({ interactions }: StatementExplanation): string {
  return interactions === null ? '' : 'not known: the aggregator did not run between the month’s end and the statement';
}

function rulesText({ kinds, limit }: { kinds: string[] | null; limit: number }): string {
  const joining = kinds === null ? 'identifiers of every kind join' : `${kinds.join(', ')} join`;
  return `${joining}, unless more than ${count(limit)} records share one`;
}

/** Up to where each log was counted, once for figures that have it in common. */
function tellBounds(explanations: readonly StatementExplanation[]): void {
  const byBounds = Map.groupBy(explanations, ({ bounds }) => JSON.stringify(bounds));
  for (const together of byBounds.values()) {
    const { positions, epochs } = together[0]?.bounds ?? { positions: {}, epochs: {} };
    const byTopic = Map.groupBy(Object.entries(positions), ([place]) => place.slice(0, place.lastIndexOf('/')));
    const rows = [...byTopic].map(([topic, places]) => [
      topic,
      String(epochs[topic] ?? '?'),
      wrapped(places.map(([place, end]) => `${place.slice(topic.length + 1)}:${end}`).join(' ')),
    ]);
    const which = byBounds.size === 1 ? '' : ` (${together.map(({ figure }) => NAMES[figure] ?? figure).join(', ')})`;
    print(`counted before these offsets${which}\n`);
    print(table([{ title: 'log' }, { title: 'epoch', right: true }, { title: 'partition:offset' }], rows));
  }
}

function inOrder(counts: Record<string, number> = {}): string {
  return Object.entries(counts)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name} ${count(value)}`)
    .join(', ');
}

const LINE_CHARS_MAX = 90;

/** Lines of words that fit a terminal. */
function wrapped(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= LINE_CHARS_MAX)
      lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines.join('\n');
}
