/**
 * `npm run observability`: a real Prometheus on a real Tally. Its checker on our files; every expression of every rule and
 * panel asked while there is traffic; and the consumer frozen, until the alerts on it fire, and let go, until they are over.
 */
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, TallyError } from '@tally/platform/errors';
import { tally, tallyUpWith } from '../support/tally-command.ts';
import { expressions } from './expressions.ts';
import { Prometheus, promtool, requirePrometheus, type Target } from './prometheus.ts';
import { ADMIN_KEY_HEADER, sendEvents } from './some-traffic.ts';

const EXIT = { failed: 1, missing: 3 } as const;
const POLL_MS = 1_000;
/** As a cron expression: what is seen from outside is seen soon. */
const EVERY_SECOND = '* * * * * *';
/** The notifier tells ages in steps; the second one is a minute, and a look comes every second here. */
const ALERT_MS_MAX = 240_000;
const DATA_MS_MAX = 120_000;

/** Metrics that have samples only after something went wrong, or where there is somebody to tell. */
const MAY_BE_EMPTY =
  /tally_consumer_failures_total|tally_clickhouse_failures|tally_job_overlaps_total|tally_notifier_|tally_pipeline_expires_in_seconds|tally_http_problems_total/;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

try {
  await main();
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  const missing = error instanceof TallyError && error.code === 'PROMETHEUS_MISSING';
  process.exitCode = missing ? EXIT.missing : EXIT.failed;
}

async function main(): Promise<void> {
  await requirePrometheus();
  say(await promtool('check', 'config', 'prometheus.yml'));
  say(await promtool('test', 'rules', 'rules/tally.test.yml'));
  const dir = mkdtempSync(join(tmpdir(), 'tally-observability-'));
  const dataDir = join(dir, 'tally');
  const { child, ready } = await tallyUpWith(
    { TALLY_ALERTS_CRON: EVERY_SECOND },
    dataDir,
    '--aggregate-cron',
    EVERY_SECOND,
  );
  try {
    const prometheus = await Prometheus.start(join(dir, 'prometheus'), targetsOf(dataDir));
    try {
      await askEverything(prometheus, { dataDir, gateway: ready.gateway, api: ready.api, key: ready.adminKey });
      const [consumer = 0] = ready.pids['consumer'] ?? [];
      await induceAlerts(prometheus, consumer, () => sendEvents(ready.gateway, ready.adminKey));
    } finally {
      await prometheus.stop();
    }
  } finally {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
    rmSync(dir, { recursive: true, force: true });
  }
  say('all is as it should be');
}

function targetsOf(dataDir: string): Target[] {
  const run = join(dataDir, 'run');
  return readdirSync(run).map((file) => {
    const { url } = JSON.parse(readFileSync(join(run, file), 'utf8')) as { url: string };
    return { service: file.replace(/(?:-\d+)?\.json$/, ''), url };
  });
}

interface Instance {
  dataDir: string;
  gateway: string;
  api: string;
  key: string;
}

/** Until every expression that should have data has some; throws at once where Prometheus refuses one. */
async function askEverything(prometheus: Prometheus, { dataDir, gateway, api, key }: Instance): Promise<void> {
  const { exitCode, stderr } = await tally('simulate', '--data', dataDir, '--events', '2000', '--tenants', '2');
  if (exitCode !== 0) throw new Error(`tally simulate ended with ${exitCode}: ${stderr}`);
  const all = expressions();
  const deadline = Date.now() + DATA_MS_MAX;
  for (;;) {
    await sendEvents(gateway, key);
    await fetch(`${api}/v1/tenants`, { headers: { [ADMIN_KEY_HEADER]: `Bearer ${key}` } });
    const empty: string[] = [];
    let withData = 0;
    for (const { where, expr, kind } of all) {
      const series = await prometheus.series(expr).catch((error: unknown) => {
        throw new Error(`${where}: ${messageOf(error)}\n  ${expr}`);
      });
      if (series > 0) withData++;
      else if (kind !== 'alert' && !MAY_BE_EMPTY.test(expr)) empty.push(`  ${where}: ${expr}`);
    }
    if (empty.length === 0) {
      say(
        `${all.length} expressions asked: none refused, ${withData} with data, the others have none while all is well`,
      );
      return;
    }
    if (Date.now() > deadline) throw new Error(`no data after ${DATA_MS_MAX / 1000} s for\n${empty.join('\n')}`);
    await sleep(POLL_MS);
  }
}

/** Freezes the consumer: nobody answers there, and what comes is not counted. Both are told, and both are over afterwards. */
async function induceAlerts(prometheus: Prometheus, consumer: number, send: () => Promise<void>): Promise<void> {
  const names = ['TallyServiceDown', 'TallyConsumersAway', 'TallyConsumerBehind'];
  const firing = async (): Promise<string[]> => {
    const alerts = (await prometheus.alerts()).filter(({ state }) => state === 'firing');
    const broken = alerts.find(({ annotations }) =>
      /error expanding|<no value>/.test(Object.values(annotations).join()),
    );
    if (broken) throw new Error(`an annotation does not expand: ${JSON.stringify(broken)}`);
    return names.filter((name) => alerts.some(({ labels }) => labels['alertname'] === name));
  };
  await until('no alert fires', async () => (await firing()).length === 0);
  process.kill(consumer, 'SIGSTOP');
  try {
    await send();
    await until(`${names.join(', ')} fire while the consumer is frozen`, async () => (await firing()).length === 3);
  } finally {
    process.kill(consumer, 'SIGCONT');
  }
  await until('they are over when it goes on', async () => (await firing()).length === 0);
}

async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  const began = Date.now();
  while (!(await check())) {
    if (Date.now() - began > ALERT_MS_MAX) throw new Error(`not so after ${ALERT_MS_MAX / 1000} s: ${what}`);
    await sleep(POLL_MS);
  }
  say(`${what}: after ${Math.round((Date.now() - began) / 1000)} s`);
}
