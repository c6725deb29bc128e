/**
 * `npm run cluster`: one log counted on one server and on two shards, of which one is killed; then on more shards. Ends
 * with 1 where any figure differs.
 */
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '@tally/platform/errors';
import { FULL, REPLICAS_FULL, REPLICAS_SHORT, SHORT } from './form.ts';
import { REPLICAS, runReplicas, SHARDS } from './replicas.ts';
import { textOfReplicas, textReport } from './report.ts';
import { runCluster } from './run.ts';
import { ClusterStage } from './stage.ts';

const HELP = `npm run cluster -- [options]

One log into one server and into two shards: every figure of every tenant, meter and day is compared, while a shard's
server is killed under load and the api and the gateway are asked meanwhile; then the database is copied to more shards.

  --short        one resharding, fewer events and kills: half a minute instead of some minutes
  --replicas     instead: two replicas of each of two shards; replicas and their ZooKeeper are taken away
  --events <n>   simulated events; default ${FULL.events}, with --short ${SHORT.events}
  --kills <n>    of a shard's server, the last of shard 0's; default ${FULL.kills}, with --short ${SHORT.kills}
  --seed <n>     of the events; default a random one
  --json         print the report as JSON
`;
const SEED_END = 2 ** 32;

const { values } = parseArgs({
  options: {
    replicas: { type: 'boolean', default: false },
    short: { type: 'boolean', default: false },
    events: { type: 'string' },
    kills: { type: 'string' },
    seed: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) process.stdout.write(HELP);
else process.exit(await main());

async function main(): Promise<number> {
  const seed = Number(values.seed ?? randomInt(SEED_END));
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const dir = mkdtempSync(join(tmpdir(), 'tally-cluster-'));
  const until = new Date(`${new Date(Date.now() - 86_400_000).toISOString().slice(0, 10)}T23:59:59.999Z`);
  say(`seed ${seed}`);
  const run = values.replicas ? prepareReplicas() : prepareShards();
  const stage = await ClusterStage.start(dir, run.servers);
  const stopped = new Promise<never>((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => reject(new Error(signal)));
  });
  let ok = false;
  try {
    const { report, text } = await Promise.race([run.run(stage, { seed, until, say }), stopped]);
    process.stdout.write(values.json ? `${JSON.stringify({ seed, ...report })}\n` : text);
    ok = report.ok;
  } catch (error) {
    say(`seed ${seed}: ${messageOf(error)}`);
  } finally {
    await stage.close();
    if (ok) rmSync(dir, { recursive: true, force: true });
    else say(`data and logs stay in ${dir}`);
  }
  return ok ? 0 : 1;
}

interface Asked {
  seed: number;
  until: Date;
  say: (line: string) => void;
}

function prepareShards() {
  const form = values.short ? SHORT : FULL;
  const kills = Number(values.kills ?? form.kills);
  return {
    servers: { shards: Math.max(2, ...form.reshardings.map(([, to]) => to)) },
    run: async (stage: ClusterStage, asked: Asked) => {
      const report = await runCluster(stage, { form: { ...form, events: eventsOf(form), kills }, ...asked });
      return { report, text: textReport(asked.seed, report) };
    },
  };
}

function prepareReplicas() {
  const form = values.short ? REPLICAS_SHORT : REPLICAS_FULL;
  return {
    servers: { shards: SHARDS, replicas: REPLICAS },
    run: async (stage: ClusterStage, asked: Asked) => {
      const report = await runReplicas(stage, { form: { ...form, events: eventsOf(form) }, ...asked });
      return { report, text: textOfReplicas(asked.seed, report) };
    },
  };
}

function eventsOf(form: { events: number }): number {
  return Number(values.events?.replaceAll(/[,_]/g, '') ?? form.events);
}
