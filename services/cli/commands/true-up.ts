import type { TrueUpAnswer } from '@tally/contract';
import { Command } from 'commander';
import { type ApiAddress, ApiClient } from '../api-client.ts';
import { apiOptions, dayText, jsonOption } from '../options.ts';
import { count, freshness, print, printJson, table } from '../print.ts';

interface TrueUpOptions extends ApiAddress {
  licenceYear: string;
  packs?: string;
  json: boolean;
}

/** `tally true-up`: what a tenant must buy for a licence year. */
export function trueUpCommand(): Command {
  const command = new Command('true-up')
    .description('what was missing at the peak of a licence year, and which packs would cover it')
    .argument('<tenant>', 'tenant id')
    .requiredOption('--licence-year <day>', 'its first day, YYYY-MM-DD', dayText)
    .option('--packs <sku:people,...>', 'packs to choose from, in place of the catalogue’s')
    .addOption(jsonOption())
    .action(async (tenantId: string, { licenceYear, packs, json, ...address }: TrueUpOptions) => {
      const query = { licenceYear, ...(packs === undefined ? {} : { packs }) };
      const answer = await ApiClient.of(address).trueUp(tenantId, query);
      if (json) return printJson({ tenantId, ...answer });
      tell(tenantId, answer);
    });
  for (const option of apiOptions()) command.addOption(option);
  return command;
}

function tell(tenantId: string, answer: TrueUpAnswer): void {
  const { licenceYear, engaged, interactions, unified } = answer;
  const lookedAt = licenceYear.lookedAtUpTo === null ? 'not begun' : `looked at up to ${licenceYear.lookedAtUpTo}`;
  print(`${tenantId}, licence year from ${licenceYear.from} until ${licenceYear.until}, ${lookedAt}\n`);
  const columns = [
    { title: '' },
    { title: 'peak', right: true },
    { title: 'on' },
    { title: 'people short', right: true },
    { title: 'on' },
  ];
  print(
    table(columns, [
      ['engaged people', ...place(engaged.peak, engaged.peakDay), ...place(engaged.shortfall, engaged.shortfallDay)],
      [
        'monthly interactions',
        ...place(interactions.peak, interactions.peakMonth),
        ...place(interactions.shortfallPeople, interactions.shortfallMonth),
      ],
      ['unified people', ...place(unified.peak, unified.peakDay), ...place(unified.shortfall, unified.shortfallDay)],
    ]),
  );
  print(toBuy('engaged people', answer.peopleToBuy, answer.packs, answer.packsSurplus));
  print(toBuy('unified people', answer.unifiedPeopleToBuy, answer.unifiedPacks, answer.unifiedPacksSurplus));
  print(`policy: ${answer.policy}\n${freshness(answer.asOf)}`);
}

function place(figure: number, when: string | null): [string, string] {
  return [count(figure), when ?? ''];
}

function toBuy(what: string, people: number, packs: TrueUpAnswer['packs'], surplus: number): string {
  if (people === 0) return `${what}: nothing to buy\n`;
  const list = packs.map(({ sku, packSize, quantity }) => `${count(quantity)} x ${sku} of ${count(packSize)}`);
  return `${what} to buy: ${count(people)}, covered by ${list.join(' and ')}, ${count(surplus)} more than needed\n`;
}
