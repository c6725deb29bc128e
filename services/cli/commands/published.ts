import type { PublishedAnswer } from '@tally/contract';
import { isDay, isMonth } from '@tally/metering';
import { Command, Option } from 'commander';
import { type ApiAddress, ApiClient } from '../api-client.ts';
import { apiOptions, jsonOption } from '../options.ts';
import { breakdown, count, freshness, print, printJson, table } from '../print.ts';

interface PublishedOptions extends ApiAddress {
  meter: string;
  period: string;
  json: boolean;
}

/** `tally published`: every figure that was ever told of a period, and when it changed. */
export function publishedCommand(): Command {
  const command = new Command('published')
    .description('what was published of a month or a day, when it changed and by how much')
    .argument('<tenant>', 'tenant id')
    .addOption(
      new Option('--meter <meter>', 'which figure')
        .choices(['interactions', 'engaged', 'unified'])
        .makeOptionMandatory(),
    )
    .requiredOption('--period <period>', 'a month of interactions, YYYY-MM; else a day, YYYY-MM-DD')
    .addOption(jsonOption())
    .action(published);
  for (const option of apiOptions()) command.addOption(option);
  return command;
}

async function published(tenantId: string, options: PublishedOptions, command: Command): Promise<void> {
  const { meter, period, json, ...address } = options;
  if (!(meter === 'interactions' ? isMonth(period) : isDay(period))) {
    command.error(
      `error: --period of ${meter} is a ${meter === 'interactions' ? 'month, YYYY-MM' : 'day, YYYY-MM-DD'}`,
    );
  }
  const answer = await ApiClient.of(address).published(tenantId, { meter, period });
  if (json) return printJson({ tenantId, ...answer });
  const titles = [{ title: 'published' }, { title: meter, right: true }, { title: 'change', right: true }];
  const rows = answer.published.map((one, index) => [
    one.computedAt,
    count(one.total),
    changeText(one, answer.published[index - 1]),
    one.policy ?? '',
    byEnvironmentText(one),
    one.runId,
  ]);
  print(table([...titles, ...['policy', 'by environment', 'run'].map((title) => ({ title }))], rows));
  if (rows.length === 0) print('nothing was published of it\n');
  if (!answer.complete) print('There are older ones.\n');
  print(freshness(answer.asOf));
}

type Figure = PublishedAnswer['published'][number];

function changeText({ total }: Figure, before: Figure | undefined): string {
  if (!before) return '';
  const change = total - before.total;
  // The breakdown or the policy is another one.
  return change === 0 ? '0' : `${change > 0 ? '+' : '−'}${count(Math.abs(change))}`;
}

function byEnvironmentText({ breakdown: parts }: Figure): string {
  return breakdown(parts.byEnvironment);
}
