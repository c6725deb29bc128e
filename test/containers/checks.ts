/**
 * What is tried with an installation of docker-compose.yml, one check a function. Each returns what was seen.
 */
import { isDeepStrictEqual } from 'node:util';
import { finished, run } from '@tally/containers/docker';
import { type Compose, SECRETS } from './compose.ts';
import { caughtUp, type Figures, figuresOf, sendFirstEvent, sendTraffic } from './traffic.ts';

export interface Seen {
  what: string;
  seen: string;
  ok: boolean;
}

export const SERVICES = ['gateway', 'consumer', 'aggregator', 'notifier', 'api'] as const;

const EVENTS = 3_000;
const MIB = 1024 * 1024;
const USER = '1000:1000';
/** Of what there is at the stop: nothing is in hand. */
const STOP_MS_MAX = 20_000;

/** What the image is made of. */
export async function checkImage(image: string): Promise<Seen[]> {
  const size = Number(await run('docker', ['image', 'inspect', '--format', '{{.Size}}', image]));
  const config = (await run('docker', ['image', 'inspect', '--format', '{{json .Config}}', image])).trim();
  const { User, Healthcheck } = JSON.parse(config) as { User: string; Healthcheck?: unknown };
  const left = 'ls -d node_modules/chdb node_modules/@chdb node_modules/ffi-rs node_modules/vitest; command -v java';
  const found = await finished('docker', ['run', '--rm', '--entrypoint', 'sh', image, '-c', `${left} | grep .`]);
  const embedded = await finished('docker', [
    'run',
    '--rm',
    '--read-only',
    '--tmpfs',
    '/tmp',
    image,
    'up',
    '--data',
    '/tmp/t',
  ]);
  const layers = (
    await run('docker', ['history', '--format', '{{.Size}} {{.CreatedBy}}', '--human=false', image])
  ).split('\n');
  const own = layers.filter((line) => /COPY|RUN|\/bin\/sh -c [a-z]/.test(line));
  return [
    { what: 'image, with its base', seen: `${Math.round(size / 1e6)} MB, ${own.length} layers`, ok: size > 0 },
    {
      what: 'image: user, health check',
      seen: `${User}, ${Healthcheck === undefined ? 'none' : 'yes'}`,
      ok: User === USER && Healthcheck !== undefined,
    },
    {
      what: 'image: embedded engine, Java, test tools',
      seen: found.stdout.trim() || 'none',
      ok: found.stdout.trim() === '',
    },
    {
      what: 'image: tally up',
      seen: embedded.output.trim().split('\n').at(-1) ?? '',
      ok: embedded.output.includes('CLICKHOUSE_MISSING'),
    },
  ];
}

/** Nothing starts with a secret missing, and it is said which. */
export async function checkSecrets(compose: Compose): Promise<Seen[]> {
  const seen: Seen[] = [];
  for (const name of SECRETS) {
    const { code, output } = await compose.configWithout(name);
    const told = output.trim().split('\n').at(-1) ?? '';
    seen.push({
      what: `without ${name}`,
      seen: told,
      ok: code !== 0 && told.includes(name) && told.includes('.env.example'),
    });
  }
  return seen;
}

/** Each service's container: whose it is, what it may, how it is. */
export async function checkContainers(compose: Compose): Promise<Seen[]> {
  const seen: Seen[] = [];
  for (const service of SERVICES) {
    const { Config, HostConfig, State } = await compose.inspect(service);
    const written = await compose.exec(service, 'touch', '/app/written');
    const user = (await compose.exec(service, 'id', '-u')).stdout.trim();
    const rights = HostConfig.CapDrop?.join(',') ?? 'none';
    const health = State.Health?.Status ?? 'none';
    const limits = `${HostConfig.Memory / MIB} MiB, ${HostConfig.NanoCpus / 1e9} CPU`;
    const readOnly = HostConfig.ReadonlyRootfs && written.code !== 0;
    seen.push({
      what: `${service}: ${Config.Image}`,
      seen: `uid ${user}, root ${readOnly ? 'read-only' : 'WRITABLE'}, caps dropped ${rights}, ${limits}, ${health}`,
      ok:
        Config.User === USER &&
        user === '1000' &&
        readOnly &&
        rights === 'ALL' &&
        HostConfig.Memory > 0 &&
        health === 'healthy',
    });
  }
  return seen;
}

/** ClickHouse takes nobody without the password, seen from another container. */
export async function checkPassword(compose: Compose): Promise<Seen> {
  const ask =
    "fetch('http://clickhouse:8123/?query=SELECT+1').then(async (r) => console.log(r.status, (await r.text()).trim()))";
  const { stdout } = await compose.exec('api', 'node', '--eval', ask);
  return { what: 'ClickHouse without a password', seen: stdout.trim().slice(0, 60), ok: /^(401|403|516)/.test(stdout) };
}

/** The README's example, then traffic with repetitions; the figures are those that were sent. */
export async function checkFigures(compose: Compose): Promise<{ seen: Seen[]; figures: Figures }> {
  const first = await sendFirstEvent(compose);
  const counted = await sendTraffic(compose, EVENTS);
  await caughtUp(compose);
  const figures = await figuresOf(compose);
  const { readme, ...others } = figures.totals;
  const told = await compose.tally('usage', 'readme');
  const ledger = await compose.tally('ledger');
  return {
    figures,
    seen: [
      {
        what: 'the README’s event, sent twice',
        seen: `${first.join(', ')}; counted ${readme}`,
        ok: first.every((status) => status === 202) && readme === 1,
      },
      {
        what: `${EVENTS} interactions, every tenth twice`,
        seen: JSON.stringify(others),
        ok: isDeepStrictEqual(others, counted),
      },
      {
        what: 'docker compose run tally usage readme',
        seen:
          told
            .split('\n')
            .find((line) => line.includes('readme'))
            ?.replaceAll(/\s+/g, ' ') ?? 'nothing',
        ok: /readme/.test(told),
      },
      {
        what: 'docker compose run tally ledger',
        seen: ledger.split('\n').find((line) => line.startsWith('Balanced')) ?? ledger.slice(-200),
        ok: ledger.includes('Balanced'),
      },
    ],
  };
}

/** Containers are thrown away and made anew; what is in the volumes stays. */
export async function checkAgain(compose: Compose, before: Figures): Promise<Seen> {
  await compose.compose('down');
  await compose.compose('up', '--detach', '--wait');
  await caughtUp(compose);
  const after = await figuresOf(compose);
  const same = isDeepStrictEqual(after.all, before.all);
  return {
    what: 'down and up again',
    seen: `${JSON.stringify(after.totals)}, ${same ? 'all the same' : 'NOT THE SAME'}`,
    ok: same,
  };
}

/** `docker stop` of each service: how long it takes, and with which code it ends. */
export async function checkStops(compose: Compose, when: string): Promise<Seen[]> {
  const seen: Seen[] = [];
  for (const service of SERVICES) {
    const beganAt = performance.now();
    await compose.compose('stop', service);
    const ms = performance.now() - beganAt;
    const { ExitCode } = (await compose.inspect(service)).State;
    seen.push({
      what: `SIGTERM, ${when}: ${service}`,
      seen: `${(ms / 1_000).toFixed(1)} s, exit code ${ExitCode}`,
      ok: ExitCode === 0 && ms < STOP_MS_MAX,
    });
  }
  return seen;
}
