/**
 * `npm run stand-ins`: images with the names, ports, variables and entry points of the official ones, as far as compose and
 * Testcontainers use them, made of packages alone: for machines that reach package registries and no image registry. An
 * official image that is there is left alone.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { brokerJars } from '@tally/local';
import { Command } from 'commander';
import { commandOutput, run } from './docker.ts';
import { IMAGES, STAND_IN_LABEL } from './images.ts';

/** What all of them stand on: Debian's smallest set of packages, with certificates. */
const DEBIAN = 'tally-stand-in/debian:bookworm';
const MIRROR = 'http://deb.debian.org/debian';
const NPM = 'npm@11.19.1';
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
const RECIPES = join(import.meta.dirname, 'stand-ins');

interface StandIn {
  image: string;
  /** Fills the directory that the image is built of. */
  fill: (context: string) => Promise<void>;
}

const STAND_INS: readonly StandIn[] = [
  { image: IMAGES.node, fill: fillNode },
  { image: IMAGES.kafka, fill: fillKafka },
  { image: IMAGES.clickhouse, fill: fillClickHouse },
];

const program = new Command('npm run stand-ins --')
  .description('builds images in the place of the official ones: Debian, Node, Kafka and ClickHouse from packages')
  .option('--force', 'build those again that are there as stand-ins', false)
  .action(buildAll);

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`stand-ins: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function buildAll({ force }: { force: boolean }): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'tally-stand-ins-'));
  try {
    if ((await stateOf(DEBIAN)) === 'absent') await timed(DEBIAN, () => bootstrapDebian(join(work, 'debian')));
    else say(DEBIAN, 'is there');
    for (const { image, fill } of STAND_INS) {
      const state = await stateOf(image);
      if (state === 'official') say(image, 'is there, the official one: left alone');
      else if (state === 'stand-in' && !force) say(image, 'is there');
      else await timed(image, () => build(image, fill, join(work, image.replaceAll(/\W/g, '-'))));
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function stateOf(image: string): Promise<'absent' | 'official' | 'stand-in'> {
  const labels = await commandOutput('docker', ['image', 'inspect', '--format', '{{json .Config.Labels}}', image]);
  if (labels === undefined) return 'absent';
  return labels.includes(STAND_IN_LABEL) || image === DEBIAN ? 'stand-in' : 'official';
}

/** Needs root, as it makes a file system that belongs to root. */
async function bootstrapDebian(root: string): Promise<void> {
  await run('debootstrap', ['--variant=minbase', '--include=ca-certificates', 'bookworm', root, MIRROR]);
  rmSync(join(root, 'var/cache/apt/archives'), { recursive: true, force: true });
  rmSync(join(root, 'var/lib/apt/lists'), { recursive: true, force: true });
  const tar = `${root}.tar`;
  await run('tar', ['--directory', root, '--create', '--file', tar, '.']);
  await run('docker', ['import', tar, DEBIAN]);
}

async function build(image: string, fill: StandIn['fill'], context: string): Promise<void> {
  mkdirSync(context, { recursive: true });
  await fill(context);
  await run('docker', ['build', '--tag', image, context]);
}

async function fillNode(context: string): Promise<void> {
  cpSync(join(RECIPES, 'node'), context, { recursive: true });
  cpSync(CERTIFICATES, join(context, 'ca-certificates.crt'), { dereference: true });
  cpSync(process.execPath, join(context, 'node'), { dereference: true });
  const prefix = join(context, 'installed');
  await run('npm', ['install', '--prefix', prefix, '--no-audit', '--no-fund', '--no-save', NPM]);
  cpSync(join(prefix, 'node_modules/npm'), join(context, 'npm'), { recursive: true });
  rmSync(prefix, { recursive: true, force: true });
}

async function fillKafka(context: string): Promise<void> {
  cpSync(join(RECIPES, 'kafka'), context, { recursive: true });
  const libs = await brokerJars((detail) => say(IMAGES.kafka, detail));
  cpSync(libs, join(context, 'libs'), { recursive: true });
}

async function fillClickHouse(context: string): Promise<void> {
  cpSync(join(RECIPES, 'clickhouse'), context, { recursive: true });
  const engine = join(import.meta.dirname, '../local/clickhouse');
  for (const file of ['host.ts', 'parent-watch.ts']) cpSync(join(engine, file), join(context, 'engine', file));
  const installed = join(dirname(createRequire(import.meta.url).resolve('chdb/package.json')), '..');
  const platform = `${process.platform}-${process.arch}-gnu`;
  for (const name of ['chdb', `@chdb/lib-${platform}`, 'ffi-rs', `@yuuang/ffi-rs-${platform}`]) {
    cpSync(join(installed, name), join(context, 'node_modules', name), { recursive: true, dereference: true });
  }
}

async function timed(image: string, work: () => Promise<void>): Promise<void> {
  const beganAt = performance.now();
  say(image, 'building …');
  await work();
  const size = await commandOutput('docker', ['image', 'inspect', '--format', '{{.Size}}', image]);
  say(image, `built in ${Math.round((performance.now() - beganAt) / 1_000)} s, ${Math.round(Number(size) / 1e6)} MB`);
}

function say(image: string, what: string): void {
  process.stderr.write(`${image.padEnd(40)} ${what}\n`);
}
