/**
 * `npm run chaos`: kills, freezes and starves everything while events are counted, and holds the result against two
 * oracles. Ends with 1 on any difference.
 */
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '@tally/platform/errors';
import { alertsJson, alertsText } from './alerts/report.ts';
import { type AlertChaosOptions, FULL_ALERTS, runAlertChaos, SHORT_ALERTS } from './alerts/run.ts';
import { judgeAlerts } from './alerts/verdict.ts';
import { brokersJson, brokersText } from './brokers/report.ts';
import { FULL_BROKERS, runBrokers, SHORT_BROKERS } from './brokers/run.ts';
import { type ChaosForm, FULL, SHORT } from './form.ts';
import { jsonReport, textReport } from './report.ts';
import { type ChaosOptions, runChaos } from './run.ts';
import { ChaosSystem } from './system.ts';
import { judge } from './verdict.ts';

const HELP = `npm run chaos -- [alerts|brokers] [options]

  alerts         kill the aggregator and the notifier on the way from a figure to a delivered alert, some 200
                 times at every step in turn; without it, everything is killed while events are counted
  brokers        three brokers; the leader, the group's coordinator and the controller are killed, and two brokers
                 at once, while events come through the gateway and the producer
  --short        two minutes instead of some twenty; of alerts, half a minute instead of some seven
  --events <n>   events to send; default 1,000,000, with --short 20,000; alerts have none
  --seed <n>     of the events and of the faults; default a random one. Times are the machine's, so a
                 second run with the same seed has the same events and plans, not the same interleaving
  --json         print the report as JSON
`;
const SEED_END = 2 ** 32;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    short: { type: 'boolean', default: false },
    events: { type: 'string' },
    seed: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help || positionals.some((one) => one !== 'alerts' && one !== 'brokers')) process.stdout.write(HELP);
// What a run that failed was still sending is dropped.
else process.exit(await main());

async function main(): Promise<number> {
  const seed = whole('--seed', values.seed, randomInt(SEED_END));
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  if (positionals.includes('alerts')) {
    const options = { seed, form: values.short ? SHORT_ALERTS : FULL_ALERTS, say };
    return onSystem(SHORT, options, (system, stop) => runOfAlerts(system, options, stop));
  }
  if (positionals.includes('brokers')) return onBrokers(seed, say);
  const form: ChaosForm = values.short ? SHORT : FULL;
  const options: ChaosOptions = {
    seed,
    form: { ...form, events: whole('--events', values.events, form.events) },
    until: new Date(`${new Date(Date.now() - 86_400_000).toISOString().slice(0, 10)}T23:59:59.999Z`),
    say,
  };
  return onSystem(options.form, options, (system, stop) => run(system, options, stop));
}

async function onBrokers(seed: number, say: (line: string) => void): Promise<number> {
  const stop = stoppable();
  const dir = mkdtempSync(join(tmpdir(), 'tally-chaos-brokers-'));
  const form = values.short ? SHORT_BROKERS : FULL_BROKERS;
  say(`seed ${seed}, ${form.name} form, three brokers, in ${dir}`);
  const report = await runBrokers({ dir, seed, form, say, stop });
  process.stdout.write(values.json ? `${JSON.stringify(brokersJson(report))}\n` : brokersText(report));
  if (report.ok) rmSync(dir, { recursive: true, force: true });
  else say(`data and logs stay in ${dir}`);
  return report.ok ? 0 : 1;
}

function stoppable(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
  }
  return stop.signal;
}

/** Starts the servers, and stops them whatever happens. Returns the exit code. */
async function onSystem(
  servers: ChaosForm,
  { seed, form, say }: { seed: number; form: { name: string }; say: (line: string) => void },
  work: (system: ChaosSystem, stop: AbortSignal) => Promise<boolean>,
): Promise<number> {
  const stop = stoppable();
  const dir = mkdtempSync(join(tmpdir(), 'tally-chaos-'));
  say(`seed ${seed}, ${form.name} form, in ${dir}`);
  const system = await ChaosSystem.start(dir, servers);
  try {
    const ok = await work(system, stop);
    await system.stop();
    if (ok) system.remove();
    else say(`data and logs stay in ${dir}`);
    return ok ? 0 : 1;
  } catch (error) {
    say(`seed ${seed}: ${messageOf(error)}; data and logs stay in ${dir}`);
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

async function runOfAlerts(system: ChaosSystem, options: AlertChaosOptions, stop: AbortSignal): Promise<boolean> {
  const chaos = await runAlertChaos(system, options, stop);
  const verdict = await judgeAlerts(system.clickhouse, chaos, options.form);
  const text = values.json
    ? `${JSON.stringify(alertsJson(options, chaos, verdict))}\n`
    : alertsText(options, chaos, verdict);
  process.stdout.write(text);
  return verdict.ok;
}

function whole(option: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const number = Number(text.replaceAll(/[,_]/g, ''));
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new RangeError(`${option} must be a whole number`);
}
