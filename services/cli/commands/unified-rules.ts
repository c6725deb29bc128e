import { userInfo } from 'node:os';
import type { UnificationRulesAnswer } from '@tally/contract';
import { Command, Option } from 'commander';
import { type ApiAddress, ApiClient } from '../api-client.ts';
import { whole } from '../options.ts';
import { count, print, printJson, table } from '../print.ts';
import { visible } from '../visible.ts';

const LIMIT_MAX = 1_000_000_000;

interface RulesOptions extends ApiAddress {
  kinds?: string[];
  allKinds?: boolean;
  limit?: number;
  because?: string;
  by: string;
  json: boolean;
}

/** `tally unified rules`: shows a tenant's rules and their changes, or changes what is given. */
export function unifiedRulesCommand(): Command {
  return new Command('rules')
    .description('how a tenant’s records are unified; with --kinds, --all-kinds or --limit, from now on')
    .argument('<tenant>', 'tenant id')
    .addOption(
      new Option('--kinds <list>', 'only these kinds of identifiers join, such as email,phone')
        .argParser((text) => text.split(',').map((kind) => kind.trim()))
        .conflicts('allKinds'),
    )
    .option('--all-kinds', 'every kind joins')
    .option('--limit <n>', 'an identifier that more records share joins nobody', whole(1, LIMIT_MAX))
    .option('--because <reason>', 'kept with the change, which needs it')
    .option('--by <who>', 'kept with the change', userInfo().username)
    .action(async (tenant: string, _: object, command: Command) => {
      // --json and the api's address are options of `tally unified`.
      await rules(tenant, command.optsWithGlobals<RulesOptions>(), command);
    });
}

async function rules(tenant: string, options: RulesOptions, command: Command): Promise<void> {
  const { kinds, allKinds, limit, because, by, json, ...address } = options;
  const api = ApiClient.of(address);
  let answer = await api.unificationRules(tenant);
  if (kinds !== undefined || allKinds || limit !== undefined) {
    if (because === undefined) return command.error('error: a change needs --because');
    const wanted = { kinds: kinds ?? (allKinds ? null : answer.kinds), limit: limit ?? answer.limit };
    answer = await api.setUnificationRules(tenant, { ...wanted, because, by });
  }
  if (json) return printJson({ tenantId: tenant, ...answer });
  print(`${tenant}: ${kindsText(answer)} joins; shared by more than ${count(answer.limit)} records it joins nobody\n`);
  if (answer.changes.length === 0) return print('never changed\n');
  const columns = [{ title: 'since' }, { title: 'kinds' }, { title: 'limit', right: true }];
  print(
    table(
      [...columns, { title: 'by' }, { title: 'because' }],
      answer.changes.map((one) => [one.setAt, kindsText(one), count(one.limit), visible(one.by), visible(one.because)]),
    ),
  );
}

function kindsText({ kinds }: Pick<UnificationRulesAnswer, 'kinds'>): string {
  return kinds === null ? 'every kind' : visible(kinds.join(', '));
}
