import type { QuotaAnswer } from '@tally/contract';
import { Command } from 'commander';
import { type ApiAddress, ApiClient } from '../api-client.ts';
import { apiOptions, dayText, jsonOption } from '../options.ts';
import { count, freshness, print, printJson, table } from '../print.ts';

interface QuotaOptions extends ApiAddress {
  on?: string;
  json: boolean;
}

/** `tally quota`: owned, used and left. */
export function quotaCommand(): Command {
  const command = new Command('quota')
    .description('what a tenant owns, used and has left on a day, and when it will be used up')
    .argument('<tenant>', 'tenant id')
    .option('--on <day>', 'the day, YYYY-MM-DD; default today (UTC)', dayText)
    .addOption(jsonOption())
    .action(async (tenantId: string, { on, json, ...address }: QuotaOptions) => {
      const answer = await ApiClient.of(address).quota(tenantId, on === undefined ? {} : { on });
      if (json) return printJson({ tenantId, ...answer });
      tell(tenantId, answer);
    });
  for (const option of apiOptions()) command.addOption(option);
  return command;
}

function tell(tenantId: string, answer: QuotaAnswer): void {
  const { on, engagedPeople, interactions, unifiedPeople, trials } = answer;
  print(`${tenantId} on ${on}, all environments together\n`);
  const titles = ['owned', 'used', 'left', 'over', 'projected'].map((title) => ({ title, right: true }));
  print(
    table(
      [{ title: '' }, { title: '' }, { title: 'share', right: true }, ...titles, { title: 'used up' }],
      [
        meterRow('engaged people', engagedPeople, ''),
        meterRow(`interactions in ${interactions.month}`, interactions, projectedText(interactions.projected)),
        meterRow('unified people', unifiedPeople, ''),
      ],
    ),
  );
  if (!unifiedPeople.known) print('Unified people were not worked out up to that day.\n');
  const email = answer.emailPerHour === 'standard' ? 'standard' : `${count(answer.emailPerHour)} an hour`;
  const { base, addOnUnits } = answer.dataverse;
  print(`e-mail throughput: ${email}; outbound-marketing installations: ${count(answer.outboundMarketingInstalls)}; `);
  print(`Dataverse: ${base === 0 ? 'no base' : 'base'}, ${count(addOnUnits)} add-on units\n`);
  tellEnvironments(answer);
  if (trials.length > 0) {
    const rows = trials.map((trial) => [
      count(trial.quantity),
      trial.packSize === undefined ? '' : count(trial.packSize),
      trial.startsOn,
      trial.endsOn ?? 'open',
      trial.state === 'to-come' ? 'to come' : trial.state,
    ]);
    const numbers = ['trials', 'engaged people each'].map((title) => ({ title, right: true }));
    print(table([...numbers, ...['from', 'until', `on ${on}`].map((title) => ({ title }))], rows));
  }
  print(`policy: ${answer.policy}\n${freshness(answer.asOf)}`);
}

function meterRow(name: string, quota: QuotaAnswer['engagedPeople'], projected: string): string[] {
  const { owned, used, share, remaining, overage, reachedOn } = quota;
  return [
    name,
    share === null ? '' : bar(share),
    share === null ? '' : percent(share),
    count(owned),
    count(used),
    count(remaining),
    overage === 0 ? '' : count(overage),
    projected,
    reachedOn ?? (owned > 0 && remaining === 0 ? 'yes' : ''),
  ];
}

function projectedText(projected: number | null): string {
  return projected === null ? '' : count(projected);
}

/** Never rounded to what it is not: 99.96 % of a quota is not all of it. */
function percent(share: number): string {
  const tenths = Math.floor(share * 1_000);
  return `${(tenths / 10).toFixed(1)} %`;
}

const BAR_CHARS = 20;

function bar(share: number): string {
  const full = Math.min(BAR_CHARS, Math.floor(share * BAR_CHARS));
  return `${'█'.repeat(full)}${'░'.repeat(BAR_CHARS - full)}`;
}

function tellEnvironments({ environments }: QuotaAnswer): void {
  if (environments.length === 0) return;
  const rows = environments.map((one) => [
    one.id,
    one.registered ? `${one.name}, ${one.type}, ${one.geo}` : 'not registered',
    ...[one.engagedPeople, one.interactions, one.unifiedPeople].flatMap(({ used, others }) => [
      count(used),
      count(others),
    ]),
  ]);
  const titles = ['engaged', 'others in the tenant', 'interactions', 'others', 'unified', 'others'];
  print(table([{ title: 'environment' }, { title: '' }, ...titles.map((title) => ({ title, right: true }))], rows));
}
