import { Command } from 'commander';
import { type ApiAddress, ApiClient } from '../api-client.ts';
import { apiOptions, dayText, jsonOption } from '../options.ts';
import { breakdown, count, freshness, print, printJson, table } from '../print.ts';

interface EngagedOptions extends ApiAddress {
  asOf?: string;
  policy?: string;
  json: boolean;
}

/** `tally engaged`: people engaged in the 12 months up to a day. */
export function engagedCommand(): Command {
  const command = new Command('engaged')
    .description('people engaged in the last 12 months, of a tenant or of all')
    .argument('[tenant]', 'tenant id')
    .option('--as-of <day>', 'the day, YYYY-MM-DD; default today (UTC)', dayText)
    .option('--policy <name>', 'counting policy')
    .addOption(jsonOption())
    .action(engaged);
  for (const option of apiOptions()) command.addOption(option);
  return command;
}

async function engaged(tenant: string | undefined, { asOf, policy, json, ...address }: EngagedOptions): Promise<void> {
  const api = ApiClient.of(address);
  const query = { ...(asOf === undefined ? {} : { asOf }), ...(policy === undefined ? {} : { policy }) };
  const tenants = tenant === undefined ? await api.tenants() : [tenant];
  const answers = [];
  for (const tenantId of tenants) answers.push({ tenantId, ...(await api.engaged(tenantId, query)) });
  if (json) return printJson({ tenants: answers });
  const rows = answers.map(({ tenantId, day, total, byEnvironment, byEntityType }) => [
    tenantId,
    day,
    count(total),
    breakdown(byEnvironment),
    breakdown(byEntityType),
  ]);
  const columns = [{ title: 'tenant' }, { title: 'day' }, { title: 'engaged people', right: true }];
  print(table([...columns, { title: 'by environment' }, { title: 'by entity type' }], rows));
  print(freshness(answers.at(-1)?.asOf ?? null));
}
