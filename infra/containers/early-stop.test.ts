import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const EARLY_STOP = fileURLToPath(new URL('early-stop.ts', import.meta.url));
const STAYS = "setInterval(() => undefined, 1_000); process.stdout.write('here');";
const OWN_HANDLER = `process.once('SIGTERM', () => setTimeout(() => process.exit(7), 50)); ${STAYS}`;

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'tally-early-stop-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** The exit code of a program that is sent a signal once it runs. */
async function endOf(name: string, program: string, signal: NodeJS.Signals): Promise<unknown> {
  const file = join(dir, name);
  writeFileSync(file, program);
  const child = spawn(process.execPath, ['--import', EARLY_STOP, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill(signal);
  const [code] = await once(child, 'exit');
  return code;
}

describe('a signal that comes early', () => {
  it.each([
    ['main.ts', STAYS, 'SIGTERM', 0],
    ['main.ts', STAYS, 'SIGINT', 0],
    ['tally.js', STAYS, 'SIGTERM', 143],
    ['tally.js', STAYS, 'SIGINT', 130],
  ] as const)('ends %s at once', async (name, program, signal, code) => {
    expect(await endOf(name, program, signal)).toBe(code);
  });

  it('is the service’s own as soon as that listens for it', async () => {
    expect(await endOf('main.ts', OWN_HANDLER, 'SIGTERM')).toBe(7);
  });
});
