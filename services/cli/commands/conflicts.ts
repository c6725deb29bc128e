import type { ConflictsAnswer } from '@tally/contract';
import { Command } from 'commander';
import { type ApiAddress, ApiClient } from '../api-client.ts';
import { apiOptions, dayText, jsonOption, whole } from '../options.ts';
import { count, freshness, print, printJson, table } from '../print.ts';
import { visible } from '../visible.ts';

interface ConflictsOptions extends ApiAddress {
  from?: string;
  to?: string;
  limit: number;
  json: boolean;
}

type Conflict = ConflictsAnswer['conflicts'][number] & { tenantId: string };

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 100_000;
/** Conflicts asked for at once. */
const PAGE_MAX = 500;

const FIELDS = [
  ['occurredAt', 'happened at'],
  ['channel', 'channel'],
  ['direction', 'direction'],
  ['journeyId', 'journey'],
  ['provider', 'provider'],
] as const;

/** `tally conflicts`: event ids that came again with other content, both contents side by side. */
export function conflictsCommand(): Command {
  const command = new Command('conflicts')
    .description('event ids that came again with other content: the first counts, both are shown')
    .argument('[tenant]', 'tenant id; default all')
    .option('--from <day>', 'first day, YYYY-MM-DD, when the later one says it happened', dayText)
    .option('--to <day>', 'last day, YYYY-MM-DD', dayText)
    .option('--limit <n>', 'show at most this many', whole(1, LIMIT_MAX), LIMIT_DEFAULT)
    .addOption(jsonOption())
    .action(conflicts);
  for (const option of apiOptions()) command.addOption(option);
  return command;
}

async function conflicts(
  tenant: string | undefined,
  { from, to, limit, json, ...address }: ConflictsOptions,
): Promise<void> {
  const api = ApiClient.of(address);
  const days = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  const tenants = tenant === undefined ? await api.tenants() : [tenant];
  const found: Conflict[] = [];
  let asOf: ConflictsAnswer['asOf'] | null = null;
  let more = false;
  for (const tenantId of tenants) {
    // One more than is shown, to know whether there are more.
    for (let after: string | null = '0'; after !== null && found.length <= limit; ) {
      const page = Math.min(PAGE_MAX, limit + 1 - found.length);
      const answer: ConflictsAnswer = await api.conflicts(tenantId, { ...days, limit: String(page), after });
      found.push(...answer.conflicts.map((conflict) => ({ tenantId, ...conflict })));
      ({ next: after, asOf } = answer);
    }
    more = found.length > limit;
    if (more) break;
  }
  const shown = found.slice(0, limit);
  if (json) return printJson({ conflicts: shown, more, asOf });
  if (shown.length === 0) print('no conflicts\n');
  else printConflicts(shown);
  if (more) print(`there are more than ${count(limit)}: ask for more with --limit\n`);
  print(freshness(asOf));
}

function printConflicts(shown: readonly Conflict[]): void {
  const columns = ['event', '', 'came first', 'came again, not counted', ''].map((title) => ({ title }));
  print(table(columns, shown.map(side)));
  print(`${count(shown.length)} event(s) came again with other content\n`);
}

/** One row of the table, a line a field. */
function side(conflict: Conflict): string[] {
  const { tenantId, environmentId, entityType, entityId, eventId, first, again, differs } = conflict;
  const text = (value: string | null | undefined, otherwise: string): string =>
    value === undefined ? otherwise : visible(value ?? 'none');
  const notKept = first === null ? '' : 'not kept';
  const lines = [
    ['log', first ? logPlace(first.log) : 'not written yet', logPlace(again.log), ''],
    ['outcome', first?.outcome ?? '', 'conflicting', ''],
    ...FIELDS.map(([field, title]) => [
      title,
      text(first?.content[field], notKept),
      text(again.content[field], ''),
      differs.includes(field) ? 'differs' : first && first.content[field] === undefined ? 'may differ' : '',
    ]),
    // So that the events stand apart.
    ['', '', '', ''],
  ];
  const event = [tenantId, environmentId, `${entityType} ${visible(entityId)}`, visible(eventId)].join('\n');
  return [event, ...[0, 1, 2, 3].map((column) => lines.map((line) => line[column] ?? '').join('\n'))];
}

function logPlace({ topic, partition, offset }: Conflict['again']['log']): string {
  return `${topic}/${partition}/${offset}`;
}
