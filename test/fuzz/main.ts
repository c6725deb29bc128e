/**
 * `npm run fuzz`: mutated Avro values into the decoder, mutated requests into the gateway, and an account of every one.
 * `-- --short` for CI; `-- --seed N` repeats a run. Exit code: 0 nothing found, 1 something was, 2 wrong usage.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { progressBar } from '@tally/cli/progress';
import { fuzzGateway } from './gateway-fuzz.ts';
import { type FuzzReport, memoryFindings, printReport } from './report.ts';
import { runDecoder } from './run-decoder.ts';

const FULL = { values: 1_000_000, requests: 100_000 } as const;
const SHORT = { values: 50_000, requests: 3_000 } as const;
const SEED_END = 2 ** 31;
const USAGE = 'usage: npm run fuzz -- [--short] [--seed N] [--values N] [--requests N] [--json]\n';

// kafkajs asks for timers in the past; Node corrects them to 1 ms and warns, which helps nobody.
process.removeAllListeners('warning');

const options = readOptions();
if (options === undefined) {
  process.stderr.write(USAGE);
  process.exitCode = 2;
} else {
  process.stderr.write(`seed ${options.seed}\n`);
  const report = await fuzz(options);
  if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else printReport(report);
  process.exitCode = report.findings.length > 0 ? 1 : 0;
}

interface Options {
  seed: number;
  values: number;
  requests: number;
  json: boolean;
}

async function fuzz({ seed, values, requests }: Options): Promise<FuzzReport> {
  const report: FuzzReport = { seed, decoder: null, gateway: null, findings: [] };
  if (values > 0) {
    const bar = progressBar('decoder', values, 'values');
    const decoder = await runDecoder(seed, values, bar.update).finally(bar.stop);
    if (typeof decoder === 'string') report.findings.push(decoder);
    else {
      report.decoder = decoder;
      report.findings.push(...memoryFindings('decoder', decoder.memory));
    }
  }
  if (requests > 0) {
    const bar = progressBar('gateway', requests, 'requests');
    const gateway = await fuzzGateway(seed, requests, bar.update).finally(bar.stop);
    report.gateway = gateway;
    report.findings.push(...gateway.findings, ...memoryFindings('gateway', gateway.memory));
  }
  return report;
}

function readOptions(): Options | undefined {
  try {
    const { values: given } = parseArgs({
      options: {
        short: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        seed: { type: 'string' },
        values: { type: 'string' },
        requests: { type: 'string' },
      },
    });
    const sizes = given.short ? SHORT : FULL;
    const options = {
      seed: Number(given.seed ?? randomInt(SEED_END)),
      values: Number(given.values ?? sizes.values),
      requests: Number(given.requests ?? sizes.requests),
      json: given.json,
    };
    const whole = [options.seed, options.values, options.requests].every((one) => Number.isInteger(one) && one >= 0);
    return whole ? options : undefined;
  } catch {
    return undefined;
  }
}
