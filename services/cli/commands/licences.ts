import type { LicencesAnswer } from '@tally/contract';
import { dayOf } from '@tally/metering';
import { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { readListFile } from '../list-file.ts';
import { dayText, whole } from '../options.ts';
import { count, print, printJson, table } from '../print.ts';
import {
  type ChangeOptions,
  changed,
  type ListOptions,
  replaced,
  tellVersions,
  withListOptions,
} from '../versioned-list.ts';

interface AddOptions extends ChangeOptions {
  sku: string;
  quantity: number;
  packSize?: number;
  from: string;
  until?: string;
}

type Line = LicencesAnswer['licences'][number];

const NUMBER_MAX = 1_000_000_000;

/** `tally licences`: what a tenant bought. */
export function licencesCommand(): Command {
  const command = new Command('licences').description('what a tenant bought, from when to when, and who entered it');
  const show = new Command('show')
    .description('the lines on record')
    .argument('<tenant>', 'tenant id')
    .option('--history', 'every change, with who made it, when and why')
    .action(async (tenant: string, options: ListOptions) => {
      const query = options.history ? { history: 'true' } : {};
      tell(tenant, options, await ApiClient.of(options).licences(tenant, query));
    });
  const set = new Command('set')
    .description('replace all lines by those of a file; what was before stays on record')
    .argument('<tenant>', 'tenant id')
    .argument('<file>', 'JSON as `show --json` prints it, or CSV: sku,quantity,packSize,startsOn,endsOn')
    .requiredOption('--because <reason>', 'why; it stays on record')
    .action(async (tenant: string, file: string, options: ChangeOptions) => {
      const lines = await readListFile(file, 'licences');
      const api = ApiClient.of(options);
      tell(tenant, options, await changed(options, (change) => api.changeLicences(tenant, { lines, ...change })));
    });
  const add = new Command('add')
    .description('add a line')
    .argument('<tenant>', 'tenant id')
    .requiredOption('--sku <sku>', 'what was bought')
    .option('--quantity <units>', 'how many units', whole(1, NUMBER_MAX), 1)
    .option('--pack-size <people>', 'people in a unit, of what is sold in packs', whole(1, NUMBER_MAX))
    .requiredOption('--from <day>', 'first day, YYYY-MM-DD', dayText)
    .option('--until <day>', 'first day on which it grants no more; default: open', dayText)
    .requiredOption('--because <reason>', 'why; it stays on record')
    .action((tenant: string, options: AddOptions) => {
      const { sku, quantity, packSize, from, until } = options;
      const line: Line = { sku, quantity, ...(packSize ? { packSize } : {}), startsOn: from, endsOn: until ?? null };
      return change(tenant, options, (lines) => [...lines, line]);
    });
  const end = new Command('end')
    .description('let a line end')
    .argument('<tenant>', 'tenant id')
    .argument('<line>', 'its number, see `tally licences show`', whole(1, NUMBER_MAX))
    .requiredOption('--on <day>', 'first day on which it grants no more, YYYY-MM-DD', dayText)
    .requiredOption('--because <reason>', 'why; it stays on record')
    .action((tenant: string, number: number, options: ChangeOptions & { on: string }) =>
      change(tenant, options, (lines) => replaced(lines, number, (line) => ({ ...line, endsOn: options.on }))),
    );
  return withListOptions(command, show, set, add, end);
}

/** Changes the lines on record, unless somebody else did in between. */
async function change(tenant: string, options: ChangeOptions, to: (lines: readonly Line[]) => Line[]): Promise<void> {
  const api = ApiClient.of(options);
  const { licences, version } = await api.licences(tenant);
  const lines = to(licences);
  const send = (reason: { because: string; by: string }) =>
    api.changeLicences(tenant, { lines, replaces: version?.id ?? null, ...reason });
  tell(tenant, options, await changed(options, send));
}

function tell(tenantId: string, { json }: ListOptions, answer: LicencesAnswer): void {
  if (json) {
    printJson({ tenantId, ...answer });
    return;
  }
  const today = dayOf(Date.now());
  const rows = answer.licences.map((line, index) => [
    String(index + 1),
    line.sku,
    count(line.quantity),
    line.packSize === undefined ? '' : count(line.packSize),
    line.startsOn,
    line.endsOn ?? 'open',
    stateOn(line, today),
  ]);
  const columns = [{ title: 'line', right: true }, { title: 'SKU' }, { title: 'units', right: true }];
  const days = ['from', 'until', 'today'].map((title) => ({ title }));
  print(table([...columns, { title: 'people in a pack', right: true }, ...days], rows));
  tellVersions(
    answer.version,
    answer.history?.map(({ licences, ...version }) => ({ ...version, text: licences.map(textOf).join('\n') })),
  );
}

function stateOn({ startsOn, endsOn }: Line, today: string): string {
  if (startsOn > today) return 'to come';
  return endsOn !== null && endsOn <= today ? 'ended' : 'grants';
}

function textOf({ sku, quantity, packSize, startsOn, endsOn }: Line): string {
  const packs = packSize === undefined ? '' : ` of ${count(packSize)}`;
  return `${count(quantity)} x ${sku}${packs}, ${startsOn} to ${endsOn ?? 'open'}`;
}
