import type { RunsAnswer } from '@tally/contract';
import { Command } from 'commander';
import { type ApiAddress, ApiClient } from '../api-client.ts';
import { apiOptions, jsonOption, whole } from '../options.ts';
import { count, print, printJson, table } from '../print.ts';
import { visible } from '../visible.ts';

const RUNS_MAX = 1_000;

interface RunsOptions extends ApiAddress {
  limit: number;
  json: boolean;
}

/** `tally runs`: what the aggregator did when, and what went wrong. */
export function runsCommand(): Command {
  const command = new Command('runs')
    .description('the newest runs of the aggregator: when, how long, how many tenants, what failed')
    .option('--limit <n>', 'how many', whole(1, RUNS_MAX), 20)
    .addOption(jsonOption())
    .action(runs);
  for (const option of apiOptions()) command.addOption(option);
  return command;
}

async function runs({ limit, json, ...address }: RunsOptions): Promise<void> {
  const answer = await ApiClient.of(address).runs({ limit: String(limit) });
  if (json) return printJson(answer);
  const titles = ['started', 'job', 'because', 'outcome'].map((title) => ({ title }));
  const numbers = ['ms', 'tenants', 'failed', 'waiting', 'snapshots', 'log records'];
  print(
    table(
      [...titles, ...numbers.map((title) => ({ title, right: true })), { title: 'process' }],
      answer.runs.map((run) => [
        run.startedAt,
        run.job,
        run.cause === 'missed' ? `missed ${run.dueAt}` : run.cause,
        run.outcome,
        ...[run.durationMs, run.tenants, run.failed.length, run.waiting, run.published, recordsOf(run)].map(count),
        run.process,
      ]),
    ),
  );
  if (answer.runs.length === 0) print('nothing ran yet\n');
  for (const { startedAt, error } of answer.runs) {
    for (const line of error.split('\n').filter((text) => text !== '')) print(`${startedAt} ${visible(line)}\n`);
  }
}

function recordsOf({ positions }: RunsAnswer['runs'][number]): number {
  return Object.values(positions).reduce((sum, offset) => sum + offset, 0);
}
