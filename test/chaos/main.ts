/**
 * `npm run chaos`: kills, freezes and starves everything while events are counted, and holds the result against two
 * oracles. Ends with 1 on any difference.
 */
import { randomInt } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '@tally/platform/errors';
import { type ChaosForm, FULL, SHORT } from './form.ts';
import { jsonReport, textReport } from './report.ts';
import { type ChaosOptions, runChaos } from './run.ts';
import { ChaosSystem } from './system.ts';
import { judge } from './verdict.ts';

const HELP = `npm run chaos -- [options]

  --short        two minutes instead of some twenty
  --events <n>   events to send; default 1,000,000, with --short 20,000
  --seed <n>     of the events and of the faults; default a random one. Times are the machine's, so a
                 second run with the same seed has the same events and plans, not the same interleaving
  --json         print the report as JSON
`;
const SEED_END = 2 ** 32;

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    events: { type: 'string' },
    seed: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) process.stdout.write(HELP);
// What a run that failed was still sending is dropped.
else process.exit(await main());

async function main(): Promise<number> {
  const form: ChaosForm = values.short ? SHORT : FULL;
  const options: ChaosOptions = {
    seed: whole('--seed', values.seed, randomInt(SEED_END)),
    form: { ...form, events: whole('--events', values.events, form.events) },
    until: new Date(`${new Date(Date.now() - 86_400_000).toISOString().slice(0, 10)}T23:59:59.999Z`),
    say: (line) => process.stderr.write(`${line}\n`),
  };
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
  }
  const dir = mkdtempSync(join(tmpdir(), 'tally-chaos-'));
  options.say(`seed ${options.seed}, ${options.form.name} form, in ${dir}`);
  const system = await ChaosSystem.start(dir, options.form);
  try {
    const ok = await run(system, options, stop.signal);
    await system.stop();
    if (ok) system.remove();
    else options.say(`data and logs stay in ${dir}`);
    return ok ? 0 : 1;
  } catch (error) {
    options.say(`seed ${options.seed}: ${messageOf(error)}; data and logs stay in ${dir}`);
    await system.stop();
    return 1;
  }
}

async function run(system: ChaosSystem, options: ChaosOptions, stop: AbortSignal): Promise<boolean> {
  const chaos = await runChaos(system, options, stop);
  options.say(`${Math.round(chaos.durationMs / 1000)} s: all is counted; reading everything back`);
  const verdict = await judge(system, chaos, options);
  const text = values.json
    ? `${JSON.stringify(jsonReport(options, chaos, verdict))}\n`
    : textReport(options, chaos, verdict);
  process.stdout.write(text);
  return verdict.ok;
}

function whole(option: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const number = Number(text.replaceAll(/[,_]/g, ''));
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new RangeError(`${option} must be a whole number`);
}
