/**
 * Services as processes in an environment of their own, for tests that are not about the shared stack.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Supervised, supervise } from '@tally/local';

type Environment = Readonly<Record<string, string>>;

export interface Started {
  /** Address of a service's HTTP server. */
  url: (name: string) => string;
  stop: () => Promise<void>;
}

const SERVICES = fileURLToPath(new URL('../../services', import.meta.url));
const POLL_MS = 50;
/** Of the line before a process gives up. */
const FATAL = 'fatal';

/**
 * Starts each and resolves when all are ready; they are not started again.
 * @param kept where logs are to stay; default nowhere
 */
export async function startServices(names: readonly string[], env: Environment, kept?: string): Promise<Started> {
  const dir = kept ?? mkdtempSync(join(tmpdir(), 'tally-services-'));
  mkdirSync(dir, { recursive: true });
  const services = names.map((name) => serviceIn(dir, name, env));
  const stop = async (): Promise<void> => {
    for (const service of services) await service.stop();
    if (kept === undefined) rmSync(dir, { recursive: true, force: true });
  };
  try {
    await Promise.all(services.map((service) => service.start()));
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: (name) => (JSON.parse(readFileSync(join(dir, `${name}.json`), 'utf8')) as { url: string }).url, stop };
}

/** Starts a service that is expected to give up, and resolves with the code of its last words; undefined after `msMax`. */
export async function givesUpWith(name: string, env: Environment, msMax: number): Promise<string | undefined> {
  const dir = mkdtempSync(join(tmpdir(), 'tally-services-'));
  const ended = Promise.withResolvers<string>();
  const service = serviceIn(dir, name, env, () => ended.resolve(lastWords(join(dir, `${name}.log`))));
  const tooLong = new AbortController();
  try {
    // One that is up may learn a moment later that it is refused, and one that is not is no failure here.
    service.start().catch(() => undefined);
    return await Promise.race([ended.promise, sleep(msMax, undefined, { signal: tooLong.signal })]);
  } finally {
    tooLong.abort();
    await service.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

function serviceIn(dir: string, name: string, env: Environment, onExit?: () => void): Supervised {
  const readyFile = join(dir, `${name}.json`);
  return supervise({
    name,
    command: process.execPath,
    args: ['--disable-warning=TimeoutNegativeWarning', join(SERVICES, name, 'main.ts')],
    env: { ...env, TALLY_SUPERVISED: '1', TALLY_READY_FILE: readyFile, [`TALLY_${name.toUpperCase()}_PORT`]: '0' },
    logFile: join(dir, `${name}.log`),
    ready: async ({ signal }) => {
      while (!existsSync(readyFile)) await sleep(POLL_MS, undefined, { signal });
    },
    onEvent: ({ kind }) => {
      if (kind === 'exited') onExit?.();
    },
  });
}

function lastWords(logFile: string): string {
  const lines = readFileSync(logFile, 'utf8').split('\n');
  const logged = lines
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return String(logged.findLast(({ level }) => level === FATAL)?.['code'] ?? lines.slice(-5).join('\n'));
}
