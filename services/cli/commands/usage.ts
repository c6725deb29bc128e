import { CHANNELS } from '@tally/schemas';
import { Command } from 'commander';
import { type ApiAddress, ApiClient } from '../api-client.ts';
import { apiOptions, jsonOption, monthText } from '../options.ts';
import { count, freshness, print, printJson, table } from '../print.ts';

interface UsageOptions extends ApiAddress {
  from?: string;
  to?: string;
  policy?: string;
  json: boolean;
}

/** `tally usage`: monthly interactions by channel. */
export function usageCommand(): Command {
  const command = new Command('usage')
    .description('monthly interactions of a tenant, or of all')
    .argument('[tenant]', 'tenant id')
    .option('--from <month>', 'first month, YYYY-MM', monthText)
    .option('--to <month>', 'last month, YYYY-MM', monthText)
    .option('--policy <name>', 'counting policy')
    .addOption(jsonOption())
    .action(usage);
  for (const option of apiOptions()) command.addOption(option);
  return command;
}

async function usage(tenant: string | undefined, { from, to, policy, json, ...address }: UsageOptions): Promise<void> {
  const api = ApiClient.of(address);
  const query = {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(policy === undefined ? {} : { policy }),
  };
  const tenants = tenant === undefined ? await api.tenants() : [tenant];
  const answers = [];
  for (const tenantId of tenants) answers.push({ tenantId, ...(await api.interactions(tenantId, query)) });
  if (json) return printJson({ tenants: answers });
  const rows = answers.flatMap(({ tenantId, months }) =>
    months
      .filter(({ total }) => total > 0)
      .map(({ month, total, byChannel }) => [
        tenantId,
        month,
        ...CHANNELS.map((channel) => count(byChannel[channel] ?? 0)),
        count(total),
      ]),
  );
  const numbers = [...CHANNELS, 'total'].map((title) => ({ title, right: true }));
  print(table([{ title: 'tenant' }, { title: 'month' }, ...numbers], rows));
  print(freshness(answers.at(-1)?.asOf ?? null));
}
