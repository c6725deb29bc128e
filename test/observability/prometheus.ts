/**
 * The real Prometheus: its checker on our files, and a server of its own in a directory of its own.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { resolvePorts } from '@tally/local';
import { TallyError } from '@tally/platform/errors';
import { z } from 'zod';
import { OBSERVABILITY } from './expressions.ts';

const run = promisify(execFile);
const READY_MS_MAX = 30_000;
const POLL_MS = 200;
const STOP_MS_MAX = 10_000;
const PROMTOOL_MS_MAX = 300_000;

const answerSchema = z.object({ status: z.literal('success'), data: z.object({ result: z.array(z.unknown()) }) });
const alertsSchema = z.object({
  data: z.object({
    alerts: z.array(
      z.object({
        labels: z.record(z.string(), z.string()),
        annotations: z.record(z.string(), z.string()),
        state: z.enum(['pending', 'firing']),
      }),
    ),
  }),
});

export type FiringAlert = z.infer<typeof alertsSchema>['data']['alerts'][number];

/** Throws `PROMETHEUS_MISSING` where there is none on this machine. */
export async function requirePrometheus(): Promise<void> {
  try {
    await run('promtool', ['--version']);
    await run('prometheus', ['--version']);
  } catch (cause) {
    const message = 'this needs prometheus and promtool: apt-get install --no-install-recommends prometheus';
    throw new TallyError(message, { code: 'PROMETHEUS_MISSING', retriable: false, cause });
  }
}

/** `promtool` on our files; its words when it is content. Throws what it says otherwise. */
export async function promtool(...args: string[]): Promise<string> {
  const { stdout } = await run('promtool', args, { cwd: OBSERVABILITY, timeout: PROMTOOL_MS_MAX });
  return stdout.trim();
}

export interface Target {
  service: string;
  url: string;
}

export class Prometheus {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#child = child;
  }

  /** Starts one on our configuration, with other targets, a second between scrapes, and no alert waiting for longer than one. */
  static async start(dir: string, targets: readonly Target[]): Promise<Prometheus> {
    const [port = 0] = await resolvePorts([{ option: 'prometheus', port: 0 }]);
    mkdirSync(join(dir, 'targets'), { recursive: true });
    cpSync(join(OBSERVABILITY, 'rules'), join(dir, 'rules'), { recursive: true });
    rewrite(join(OBSERVABILITY, 'prometheus.yml'), join(dir, 'prometheus.yml'), [
      [/(scrape|evaluation)_interval: 15s/g, '$1_interval: 1s'],
      [/scrape_timeout: 10s/, 'scrape_timeout: 1s'],
    ]);
    const rules = join(dir, 'rules/tally.rules.yml');
    rewrite(rules, rules, [[/for: \d+[mh]$/gm, 'for: 1s']]);
    const groups = targets.map(({ service, url }) => ({ targets: [new URL(url).host], labels: { service } }));
    writeFileSync(join(dir, 'targets/these.yml'), JSON.stringify(groups));
    const address = `127.0.0.1:${port}`;
    const child = spawn(
      'prometheus',
      [
        `--config.file=${join(dir, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(dir, 'data')}`,
        `--web.listen-address=${address}`,
        '--log.level=warn',
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    const prometheus = new Prometheus(`http://${address}`, child);
    await prometheus.#ready();
    return prometheus;
  }

  /** How many series an expression has now. Throws what Prometheus says against it. */
  async series(expr: string): Promise<number> {
    const answer = await fetch(`${this.url}/api/v1/query?${new URLSearchParams({ query: expr })}`);
    const body: unknown = await answer.json();
    if (answer.status !== 200) throw new Error(`${answer.status}: ${JSON.stringify(body)}`);
    return answerSchema.parse(body).data.result.length;
  }

  /** Alerts that are pending or firing. */
  async alerts(): Promise<FiringAlert[]> {
    const answer = await fetch(`${this.url}/api/v1/alerts`);
    return alertsSchema.parse(await answer.json()).data.alerts;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    this.#child.kill('SIGTERM');
    const ended = once(this.#child, 'exit');
    const late = sleep(STOP_MS_MAX, undefined, { ref: false }).then(() => this.#child.kill('SIGKILL'));
    await Promise.race([ended, late.then(() => ended)]);
  }

  async #ready(): Promise<void> {
    for (const deadline = Date.now() + READY_MS_MAX; ; await sleep(POLL_MS)) {
      const answer = await fetch(`${this.url}/-/ready`).catch(() => undefined);
      if (answer?.status === 200) return;
      if (this.#child.exitCode === null && Date.now() < deadline) continue;
      await this.stop();
      throw new TallyError('Prometheus does not start; it says why above', {
        code: 'PROMETHEUS_FAILED',
        retriable: false,
      });
    }
  }
}

function rewrite(from: string, to: string, changes: readonly (readonly [RegExp, string])[]): void {
  let text = readFileSync(from, 'utf8');
  for (const [pattern, by] of changes) {
    const changed = text.replace(pattern, by);
    if (changed === text) throw new Error(`${from} has nothing like ${pattern}`);
    text = changed;
  }
  writeFileSync(to, text);
}
