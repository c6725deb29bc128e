import { Command } from 'commander';
import { type ApiAddress, ApiClient } from '../api-client.ts';
import { apiOptions, jsonOption } from '../options.ts';
import { breakdown, count, freshness, print, printJson, table } from '../print.ts';

/** `tally unified`: unique profiles after merging, as the aggregator last published them. */
export function unifiedCommand(): Command {
  const command = new Command('unified')
    .description('unified people of a tenant, or of all')
    .argument('[tenant]', 'tenant id')
    .addOption(jsonOption())
    .action(unified);
  for (const option of apiOptions()) command.addOption(option);
  return command;
}

async function unified(
  tenant: string | undefined,
  { json, ...address }: ApiAddress & { json: boolean },
): Promise<void> {
  const api = ApiClient.of(address);
  const tenants = tenant === undefined ? await api.tenants() : [tenant];
  const answers = [];
  for (const tenantId of tenants) answers.push({ tenantId, ...(await api.unified(tenantId)) });
  if (json) return printJson({ tenants: answers });
  const rows = answers.map(({ tenantId, total, records, byEnvironment }) => [
    tenantId,
    count(total),
    count(records),
    breakdown(byEnvironment),
  ]);
  const numbers = ['unified people', 'records'].map((title) => ({ title, right: true }));
  print(table([{ title: 'tenant' }, ...numbers, { title: 'by environment' }], rows));
  print(freshness(answers.at(-1)?.asOf ?? null));
}
