/**
 * The short form of `npm run chaos -- alerts`, as a process of its own on servers of its own.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
/** Half a minute where nothing else runs. */
const MS_MAX = 300_000;

it(
  'tells each alert, under one id, while the aggregator and the notifier are killed at every step at a random seed',
  async () => {
    const { exitCode, stdout, stderr } = await new Promise<{
      exitCode: number | null;
      stdout: string;
      stderr: string;
    }>((resolve) => {
      const command = ['--disable-warning=TimeoutNegativeWarning', MAIN, 'alerts', '--short', '--json'];
      const child = execFile(process.execPath, command, { timeout: MS_MAX - 20_000 }, (_error, stdout, stderr) =>
        resolve({ exitCode: child.exitCode, stdout, stderr }),
      );
    });
    // What it said holds the seed and where its logs are.
    expect(stdout, stderr).not.toBe('');
    expect(JSON.parse(stdout), stderr).toMatchObject({ ok: true, lost: 0, differences: [], shortfalls: [] });
    expect(exitCode, stderr).toBe(0);
  },
  MS_MAX,
);
