/**
 * `npm run containers`: builds the image, brings docker-compose.yml up, and tries what docs/deploy.md says of it. Needs
 * Docker with its compose plugin, and the images that it names (`npm run stand-ins` where they cannot be pulled).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { print, printJson, table } from '@tally/cli/print';
import { run } from '@tally/containers/docker';
import { messageOf } from '@tally/platform/errors';
import { Command } from 'commander';
import * as checks from './checks.ts';
import { Compose } from './compose.ts';

const IMAGE = 'tally:0.1.0';
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Services that wait for a Kafka and a ClickHouse that are not there have long begun to wait by then. */
const WAITING_MS = 15_000;

interface Options {
  build: boolean;
  files: string;
  json: boolean;
}

const program = new Command('npm run containers --')
  .description('brings Tally up with docker compose and tries it: figures, restarts, signals, rights')
  .option('--no-build', `take the image ${IMAGE} that is there`)
  .option(
    '--files <n>',
    'files that ClickHouse may hold open; less than the default where the machine allows no more',
    '262144',
  )
  .option('--json', 'print JSON for machines', false)
  .action(tryAll);

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`containers: ${messageOf(error)}\n`);
  process.exitCode = 1;
}

async function tryAll({ build, files, json }: Options): Promise<void> {
  const seen: checks.Seen[] = [];
  if (build) {
    await step('building the image', async () => {
      const revision = (await run('git', ['rev-parse', 'HEAD'], { cwd: ROOT })).trim();
      await run('docker', ['build', '--tag', IMAGE, '--build-arg', `REVISION=${revision}`, ROOT]);
    });
  }
  seen.push(...(await step('looking at the image', () => checks.checkImage(IMAGE))));
  const compose = await Compose.create(IMAGE, Number(files));
  try {
    seen.push(...(await step('leaving out secrets', () => checks.checkSecrets(compose))));
    const upSeconds = await timed(() =>
      step('docker compose up --wait', () => compose.compose('up', '--detach', '--wait')),
    );
    seen.push({ what: 'docker compose up --wait', seen: `${upSeconds} s`, ok: true });
    seen.push(...(await step('looking at the containers', () => checks.checkContainers(compose))));
    seen.push(await checks.checkPassword(compose));
    const { figures, seen: counted } = await step('sending events', () => checks.checkFigures(compose));
    seen.push(...counted);
    seen.push(await step('docker compose down, and up again', () => checks.checkAgain(compose, figures)));
    seen.push(...(await step('stopping each service', () => checks.checkStops(compose, 'at work'))));
    await step('starting them without Kafka and ClickHouse', async () => {
      await compose.compose('stop', 'kafka', 'clickhouse');
      await compose.compose('up', '--detach', '--no-deps', '--no-recreate', ...checks.SERVICES);
      await sleep(WAITING_MS);
    });
    seen.push(...(await step('stopping each service', () => checks.checkStops(compose, 'without Kafka'))));
    await step('starting them once more', () =>
      compose.compose('up', '--detach', '--no-deps', '--no-recreate', ...checks.SERVICES),
    );
    seen.push(...(await step('stopping each at once', () => checks.checkStops(compose, 'while starting'))));
  } catch (error) {
    process.stderr.write(await compose.lastWords());
    throw error;
  } finally {
    await step('removing all of it', () => compose.remove());
  }
  const ok = seen.every((one) => one.ok);
  if (json) printJson({ ok, seen });
  else
    print(
      table(
        [{ title: 'what' }, { title: 'seen' }, { title: '' }],
        seen.map((one) => [one.what, one.seen, one.ok ? 'ok' : 'FAILED']),
      ),
    );
  if (!ok) process.exitCode = 1;
}

async function step<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
  process.stderr.write(`${what} …\n`);
  return work();
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const beganAt = performance.now();
  await work();
  return Math.round((performance.now() - beganAt) / 1_000);
}
