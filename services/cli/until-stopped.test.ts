/**
 * A command below its launcher (bin/tally.js on an older Node): the pipe on descriptor 3 ends it, and does not hold it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const MODULE = fileURLToPath(new URL('./until-stopped.ts', import.meta.url));
const READY = 'ready\n';

function launched(then: string): ChildProcess {
  const code = `const { listenForStop } = await import(${JSON.stringify(MODULE)});
    const { stopped } = listenForStop();
    process.stdout.write(${JSON.stringify(READY)});
    ${then}`;
  return spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
    env: { ...process.env, TALLY_LAUNCHED: '1', npm_execpath: undefined },
  });
}

it.each([
  ['its work is done', 'await new Promise((resolve) => setTimeout(resolve, 100));'],
  ['it exits', 'await new Promise((resolve) => setTimeout(resolve, 100)); process.exit(0);'],
])('a command ends when %s, while its launcher waits for that', async (_, then) => {
  const [code] = await once(launched(then), 'exit');
  expect(code).toBe(0);
});

it('a command hears that its launcher is gone', async () => {
  const child = launched('setTimeout(() => process.exit(1), 15_000); await stopped; process.exit(7);');
  if (child.stdout) await once(child.stdout, 'data');
  child.stdio[3]?.destroy();
  expect(await once(child, 'exit')).toEqual([7, null]);
});
