import type { EnvironmentsAnswer } from '@tally/contract';
import { ENVIRONMENT_TYPES } from '@tally/metering';
import { TallyError } from '@tally/platform/errors';
import { Command, Option } from 'commander';
import { ApiClient } from '../api-client.ts';
import { readListFile } from '../list-file.ts';
import { dayText } from '../options.ts';
import { print, printJson, table } from '../print.ts';
import {
  type ChangeOptions,
  changed,
  type ListOptions,
  replaced,
  tellVersions,
  withListOptions,
} from '../versioned-list.ts';

interface AddOptions extends ChangeOptions {
  id: string;
  name: string;
  type: string;
  geo: string;
  from: string;
  until?: string;
}

type Environment = EnvironmentsAnswer['environments'][number];

/** `tally environments`: which environments a tenant has. */
export function environmentsCommand(): Command {
  const command = new Command('environments').description('the environments of a tenant, registered and not');
  const show = new Command('show')
    .description('the environments on record, and those that have usage and are not registered')
    .argument('<tenant>', 'tenant id')
    .option('--history', 'every change, with who made it, when and why')
    .action(async (tenant: string, options: ListOptions) => {
      const query = options.history ? { history: 'true' } : {};
      tell(tenant, options, await ApiClient.of(options).environments(tenant, query));
    });
  const set = new Command('set')
    .description('replace all by those of a file; what was before stays on record')
    .argument('<tenant>', 'tenant id')
    .argument('<file>', 'JSON as `show --json` prints it, or CSV: id,name,type,geo,startsOn,endsOn')
    .requiredOption('--because <reason>', 'why; it stays on record')
    .action(async (tenant: string, file: string, options: ChangeOptions) => {
      const lines = await readListFile(file, 'environments');
      const api = ApiClient.of(options);
      tell(tenant, options, await changed(options, (change) => api.changeEnvironments(tenant, { lines, ...change })));
    });
  const add = new Command('add')
    .description('register an environment')
    .argument('<tenant>', 'tenant id')
    .requiredOption('--id <id>', 'as its events name it')
    .requiredOption('--name <name>', 'for people')
    .addOption(new Option('--type <type>', 'what it is for').choices(ENVIRONMENT_TYPES).makeOptionMandatory())
    .requiredOption('--geo <geo>', 'where it is')
    .requiredOption('--from <day>', 'first day, YYYY-MM-DD', dayText)
    .option('--until <day>', 'first day on which it is there no more; default: open', dayText)
    .requiredOption('--because <reason>', 'why; it stays on record')
    .action((tenant: string, options: AddOptions) => {
      const { id, name, type, geo, from, until } = options;
      const added = { id, name, type, geo, startsOn: from, endsOn: until ?? null };
      return change(tenant, options, (all) => [...all, added]);
    });
  const end = new Command('end')
    .description('say that an environment is there no more')
    .argument('<tenant>', 'tenant id')
    .argument('<id>', 'its id')
    .requiredOption('--on <day>', 'first day on which it is there no more, YYYY-MM-DD', dayText)
    .requiredOption('--because <reason>', 'why; it stays on record')
    .action((tenant: string, id: string, options: ChangeOptions & { on: string }) =>
      change(tenant, options, (all) => {
        const open = all.findIndex((one) => one.id === id && one.endsOn === null);
        if (open >= 0) return replaced(all, open + 1, (one) => ({ ...one, endsOn: options.on }));
        throw new TallyError(`no environment ${id} of ${tenant} is open`, {
          code: 'ENVIRONMENT_UNKNOWN',
          retriable: false,
        });
      }),
    );
  return withListOptions(command, show, set, add, end);
}

/** Changes what is on record, unless somebody else did in between. */
async function change(
  tenant: string,
  options: ChangeOptions,
  to: (all: readonly Environment[]) => Environment[],
): Promise<void> {
  const api = ApiClient.of(options);
  const { environments, version } = await api.environments(tenant);
  const lines = to(environments);
  const send = (reason: { because: string; by: string }) =>
    api.changeEnvironments(tenant, { lines, replaces: version?.id ?? null, ...reason });
  tell(tenant, options, await changed(options, send));
}

function tell(tenantId: string, { json }: ListOptions, answer: EnvironmentsAnswer): void {
  if (json) {
    printJson({ tenantId, ...answer });
    return;
  }
  const registered = answer.environments.map(({ id, name, type, geo, startsOn, endsOn }) => [
    id,
    name,
    type,
    geo,
    startsOn,
    endsOn ?? 'open',
  ]);
  const unregistered = answer.unregistered.map((id) => [id, '', 'not registered', '', '', '']);
  const titles = ['environment', 'name', 'type', 'geo', 'from', 'until'];
  print(
    table(
      titles.map((title) => ({ title })),
      [...registered, ...unregistered],
    ),
  );
  tellVersions(
    answer.version,
    answer.history?.map(({ environments, ...version }) => ({
      ...version,
      text: environments.map((one) => `${one.id}: ${one.type}, ${one.startsOn} to ${one.endsOn ?? 'open'}`).join('\n'),
    })),
  );
}
