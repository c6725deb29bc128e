import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { LocalEvent } from '@tally/local';
import { licencesFor } from '@tally/simulator';
import { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { untilAggregated, untilConsumed } from '../catch-up.ts';
import { type Comparison, compare } from '../compare.ts';
import { giveLicences } from '../compare-licences.ts';
import { printComparison, printSpeed, type Speed } from '../demo-report.ts';
import { sampleMemory } from '../memory.ts';
import { jsonOption, SHARDS_MAX, whole } from '../options.ts';
import { print, printJson } from '../print.ts';
import { simulate } from '../simulation.ts';
import { type Stack, startStack } from '../stack.ts';
import { listenForStop } from '../until-stopped.ts';
import { endOf, yesterday } from './simulate.ts';

interface DemoOptions {
  events: number;
  seed: number;
  tenants?: number;
  consumers: number;
  shards?: number;
  data?: string;
  once: boolean;
  json: boolean;
}

/** `tally demo`: everything up, 14 months of simulated traffic, licences, each figure beside the simulator's own truth. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('start everything, send simulated traffic and hold every figure against the simulator’s own truth')
    .option('--events <n>', 'events to send; profile records come on top', whole(1, 100_000_000), 100_000)
    .option('--seed <n>', 'same seed and day, same events', whole(0, 2 ** 32 - 1), 1)
    .option('--tenants <n>', 'number of tenants', whole(1, 10_000))
    .option('--consumers <n>', 'consumer processes', whole(1, 64), 1)
    .option('--shards <n>', 'servers of ClickHouse that the events are spread over', whole(1, SHARDS_MAX))
    .option('--data <dir>', 'an empty directory to use and keep; default a temporary one')
    .option('--once', 'stop after the comparison instead of staying up', false)
    .addOption(jsonOption())
    .action(demo);
}

async function demo(options: DemoOptions): Promise<void> {
  const { stopped } = listenForStop();
  const dataDir = options.data === undefined ? mkdtempSync(join(tmpdir(), 'tally-demo-')) : resolve(options.data);
  let stack: Stack | undefined;
  // Stopping is checked at every step's end: what a step has started is stopped in order all the same.
  const interrupted = stopped.then((reason) => Promise.reject(new Error(`stopped (${reason})`)));
  interrupted.catch(() => undefined);
  try {
    const startedAt = Date.now();
    stack = await startStack({
      dataDir,
      apiPort: 0,
      gatewayPort: 0,
      kafkaPort: 0,
      clickhousePort: 0,
      brokers: 1,
      consumers: options.consumers,
      shards: options.shards,
      partitions: 8,
      aggregateCron: '*/3 * * * * *',
      onEvent: sayEvent,
    });
    const setUpMs = Date.now() - startedAt;
    const equal = await Promise.race([runAndCompare(stack, options, setUpMs), interrupted]);
    if (!equal) process.exitCode = 1;
    if (!options.once) {
      const { api, adminKey } = stack.instance();
      print(`\nTally stays up until Ctrl-C.\n\n  dashboard   ${api}/\n  sign in     ${adminKey}\n`);
      await stopped;
    }
  } finally {
    await stack?.stop();
    if (options.data === undefined) rmSync(dataDir, { recursive: true, force: true });
  }
  process.exit();
}

/** True when every figure is equal. */
async function runAndCompare(stack: Stack, options: DemoOptions, setUpMs: number): Promise<boolean> {
  const instance = stack.instance();
  const api = new ApiClient(instance.api, instance.adminKey);
  const until = endOf(yesterday());
  const { events, seed, tenants } = options;
  const memory = sampleMemory(stack.instance);
  const startedAt = Date.now();
  const {
    truth,
    result,
    durationMs: sendMs,
  } = await simulate(instance, {
    events,
    seed,
    until,
    ...(tenants === undefined ? {} : { tenants }),
  });
  const today = new Date(startedAt).toISOString().slice(0, 10);
  const licensed = licencesFor(truth, today);
  await giveLicences(api, licensed);
  const records = await untilConsumed(instance);
  const throughMs = Date.now() - startedAt;
  await untilAggregated(instance, api, truth.tenants()[0] ?? '');
  const comparison = await compare(instance, api, { truth, result, until, licensed, today });
  const speed: Speed = { setUpMs, sendMs, throughMs, totalMs: Date.now() - startedAt, records, sent: result.sent };
  report(options, comparison, speed, await memory.stop());
  return comparison.differences.length === 0;
}

function report(
  { json, seed }: DemoOptions,
  comparison: Comparison,
  speed: Speed,
  memory: Awaited<ReturnType<ReturnType<typeof sampleMemory>['stop']>>,
): void {
  const equal = comparison.differences.length === 0;
  if (json) {
    printJson({ equal, seed, speed, memory, ...comparison });
    return;
  }
  printComparison(comparison);
  printSpeed(speed, memory);
  print(equal ? '\nEvery figure equals the simulator’s truth.\n' : `\n${comparison.differences.length} DIFFERENCES\n`);
}

function sayEvent({ service, kind, detail }: LocalEvent): void {
  if (kind === 'stopped' || kind === 'starting') return;
  process.stderr.write(`${service} ${kind}${detail ? `: ${detail}` : ''}\n`);
}
