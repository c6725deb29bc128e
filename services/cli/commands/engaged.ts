import type { CurveAnswer } from '@tally/contract';
import { Command } from 'commander';
import { type ApiAddress, ApiClient } from '../api-client.ts';
import { curve, type DayTotal } from '../curve.ts';
import { apiOptions, dayText, jsonOption } from '../options.ts';
import { breakdown, count, freshness, print, printJson, table } from '../print.ts';

interface EngagedOptions extends ApiAddress {
  asOf?: string;
  from?: string;
  to?: string;
  policy?: string;
  json: boolean;
}

/** `tally engaged`: people engaged in the 12 months up to a day, or up to every day of a range. */
export function engagedCommand(): Command {
  const command = new Command('engaged')
    .description('people engaged in the last 12 months, of a tenant or of all')
    .argument('[tenant]', 'tenant id')
    .option('--as-of <day>', 'the day, YYYY-MM-DD; default today (UTC)', dayText)
    .option('--from <day>', 'every day from this one on, as a curve', dayText)
    .option('--to <day>', 'up to this one; default today (UTC)', dayText)
    .option('--policy <name>', 'counting policy, in place of those in force for the tenant')
    .addOption(jsonOption())
    .action((tenant: string | undefined, options: EngagedOptions) => {
      const { asOf, from, to } = options;
      if (from === undefined && to === undefined) return onDay(tenant, options);
      if (asOf !== undefined) command.error('--as-of asks for one day, --from and --to for many');
      return onDays(tenant, options);
    });
  for (const option of apiOptions()) command.addOption(option);
  return command;
}

async function onDay(tenant: string | undefined, { asOf, policy, json, ...address }: EngagedOptions): Promise<void> {
  const api = ApiClient.of(address);
  const query = { ...(asOf === undefined ? {} : { asOf }), ...(policy === undefined ? {} : { policy }) };
  const answers = [];
  for (const tenantId of await tenantsAsked(api, tenant)) {
    answers.push({ tenantId, ...(await api.engaged(tenantId, query)) });
  }
  if (json) return printJson({ tenants: answers });
  const rows = answers.map(({ tenantId, day, total, byEnvironment, byEntityType, policy: name }) => [
    tenantId,
    day,
    count(total),
    breakdown(byEnvironment),
    breakdown(byEntityType),
    name,
  ]);
  const columns = [{ title: 'tenant' }, { title: 'day' }, { title: 'engaged people', right: true }];
  print(table([...columns, { title: 'by environment' }, { title: 'by entity type' }, { title: 'policy' }], rows));
  print(freshness(answers.at(-1)?.asOf ?? null));
}

async function onDays(
  tenant: string | undefined,
  { from, to, policy, json, ...address }: EngagedOptions,
): Promise<void> {
  const api = ApiClient.of(address);
  const query = {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(policy === undefined ? {} : { policy }),
  };
  const answers: ({ tenantId: string } & CurveAnswer)[] = [];
  for (const tenantId of await tenantsAsked(api, tenant)) {
    answers.push({ tenantId, ...(await api.engagedCurve(tenantId, query)) });
  }
  if (json) return printJson({ tenants: answers });
  if (tenant !== undefined) print(curve(answers[0]?.days ?? []));
  const rows = answers.map(({ tenantId, days, policy: name }) => {
    const peak = days.reduce(
      (most: DayTotal | undefined, day) => (most && most.total >= day.total ? most : day),
      undefined,
    );
    return [
      tenantId,
      ...[days[0], peak, days.at(-1)].map((day) => (day ? `${count(day.total)} on ${day.day}` : '')),
      name,
    ];
  });
  const totals = ['first day', 'peak', 'last day'].map((title) => ({ title, right: true }));
  print(table([{ title: 'tenant' }, ...totals, { title: 'policy' }], rows));
  print(freshness(answers.at(-1)?.asOf ?? null));
}

function tenantsAsked(api: ApiClient, tenant: string | undefined): Promise<string[]> {
  return tenant === undefined ? api.tenants() : Promise.resolve([tenant]);
}
