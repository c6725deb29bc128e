import type { UnifiedAnswer } from '@tally/contract';
import { Command } from 'commander';
import { type ApiAddress, ApiClient } from '../api-client.ts';
import { apiOptions, dayText, jsonOption } from '../options.ts';
import { breakdown, count, freshness, print, printJson, table } from '../print.ts';
import { visible } from '../visible.ts';
import { explain } from './unified-explain.ts';
import { unifiedRulesCommand } from './unified-rules.ts';

interface UnifiedOptions extends ApiAddress {
  from?: string;
  to?: string;
  explain?: string;
  source?: string;
  json: boolean;
}

/** `tally unified`: unique profiles after merging, as the aggregator published them, and what made them so. */
export function unifiedCommand(): Command {
  const command = new Command('unified')
    .description('unified people of a tenant, or of all; day by day; why a record belongs to its profile')
    .argument('[tenant]', 'tenant id')
    .option('--from <day>', 'of one tenant: every day from this one, YYYY-MM-DD, as it was published', dayText)
    .option('--to <day>', 'up to this day', dayText)
    .option('--explain <record>', 'TENANT/ENVIRONMENT/SOURCE/RECORD: what holds the record’s profile together')
    .option('--source <source>', 'with --explain, where the source’s name itself has a slash: the source')
    .addOption(jsonOption())
    .action(unified)
    .addCommand(unifiedRulesCommand());
  for (const option of apiOptions()) command.addOption(option);
  return command;
}

async function unified(tenant: string | undefined, options: UnifiedOptions, command: Command): Promise<void> {
  const { explain: record, source, from, to, json, ...address } = options;
  const api = ApiClient.of(address);
  if (record !== undefined) {
    if (tenant !== undefined) command.error('error: with --explain, the tenant stands in front of the record');
    return explain(api, { key: record, source, json, refuse: (why) => command.error(`error: ${why}`) });
  }
  if (from !== undefined || to !== undefined) {
    if (tenant === undefined) return command.error('error: days are told of one tenant: name it');
    return history(api, tenant, { ...(from ? { from } : {}), ...(to ? { to } : {}) }, json);
  }
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
  printNotJoining(answers);
  print(freshness(answers.at(-1)?.asOf ?? null));
}

function printNotJoining(answers: readonly (UnifiedAnswer & { tenantId: string })[]): void {
  const rows = answers.flatMap(({ tenantId, notJoining }) =>
    notJoining.map(({ environmentId, kind, identifier, records }) => [
      tenantId,
      environmentId,
      visible(kind),
      identifier,
      count(records),
    ]),
  );
  if (rows.length === 0) return;
  print('shared by more records than the limit, so joining nobody:\n');
  const columns = ['tenant', 'environment', 'kind', 'identifier'].map((title) => ({ title }));
  print(table([...columns, { title: 'records', right: true }], rows));
  const more = answers.reduce((sum, { notJoiningOmitted }) => sum + notJoiningOmitted, 0);
  if (more > 0) print(`and ${count(more)} more\n`);
}

async function history(
  api: ApiClient,
  tenantId: string,
  range: { from?: string; to?: string },
  json: boolean,
): Promise<void> {
  const { days } = await api.unifiedHistory(tenantId, range);
  if (json) return printJson({ tenantId, days });
  const columns = [{ title: 'day' }, { title: 'unified people', right: true }, { title: 'by environment' }];
  print(
    table(
      columns,
      days.map(({ day, total, byEnvironment }) => [day, count(total), breakdown(byEnvironment)]),
    ),
  );
  if (days.length === 0) print('nothing was published up to then\n');
}
