/**
 * The short form of `npm run chaos`, as a process of its own on servers of its own: it kills them.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const MS_MAX = 420_000;
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

interface Outcome {
  exitCode: number;
  stdout: string;
  stderr: string;
}

function chaos(...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { timeout: MS_MAX - 20_000, maxBuffer: OUTPUT_BYTES_MAX };
    const command = ['--disable-warning=TimeoutNegativeWarning', MAIN, ...args];
    const child = execFile(process.execPath, command, options, (_error, stdout, stderr) =>
      resolve({ exitCode: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

it(
  'loses nothing and counts nothing twice while consumers, ClickHouse and the broker are killed at a random seed',
  async () => {
    const { exitCode, stdout, stderr } = await chaos('--short', '--json');
    // What it said holds the seed and where its logs are.
    expect(stdout, stderr).not.toBe('');
    const report = JSON.parse(stdout);
    expect(report, stderr).toMatchObject({ ok: true, lost: 0, countedTwice: 0, differences: [], shortfalls: [] });
    expect(exitCode, stderr).toBe(0);
  },
  MS_MAX,
);
