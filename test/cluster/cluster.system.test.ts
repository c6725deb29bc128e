/**
 * The short form of `npm run cluster`, as a process of its own on servers of its own: it kills them.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const MS_MAX = 300_000;
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

it(
  'gives one server’s figures on two shards, loses nothing while one is killed, and never answers too little',
  async () => {
    const { exitCode, stdout, stderr } = await new Promise<{ exitCode: number | null; stdout: string; stderr: string }>(
      (resolve) => {
        const command = ['--disable-warning=TimeoutNegativeWarning', MAIN, '--short', '--json'];
        const options = { timeout: MS_MAX - 20_000, maxBuffer: OUTPUT_BYTES_MAX };
        const child = execFile(process.execPath, command, options, (_error, out, err) =>
          resolve({ exitCode: child.exitCode, stdout: out, stderr: err }),
        );
      },
    );
    // What it said holds the seed.
    expect(stdout, stderr).not.toBe('');
    const report = JSON.parse(stdout);
    expect(report.faults, stderr).toEqual([]);
    expect(report, stderr).toMatchObject({ ok: true, lost: 0, countedTwice: 0, oneServer: { balanced: true } });
    expect(report.oneServer.figures).toBeGreaterThan(1_000);
    expect(exitCode, stderr).toBe(0);
  },
  MS_MAX,
);
