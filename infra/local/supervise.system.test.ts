import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LocalEvent } from './events.ts';
import { type SuperviseOptions, supervise } from './supervise.ts';
import { endedWithin, startNode, until } from './test-processes.ts';

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'tally-supervise-'));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const SERVE_UNTIL_PARENT_ENDS = "process.stdin.on('end', () => process.exit()).resume(); console.log('serving');";

function node(code: string, options: Partial<SuperviseOptions> = {}) {
  const events: LocalEvent[] = [];
  const logFile = join(mkdtempSync(join(scratch, 'child-')), 'log');
  const supervised = supervise({
    name: 'child',
    command: process.execPath,
    args: ['-e', code],
    logFile,
    onEvent: (event) => events.push(event),
    ...options,
  });
  const of = (kind: LocalEvent['kind']) => events.filter((event) => event.kind === kind);
  return { supervised, events, of, logFile };
}

describe('a start', () => {
  it('resolves when the service is ready, and logs to the file', async () => {
    const { supervised, of, logFile } = node(SERVE_UNTIL_PARENT_ENDS, {
      ready: () => until(() => readFileSync(logFile, 'utf8').includes('serving')),
    });
    await supervised.start();
    expect(supervised.pid()).toBe(of('ready')[0]?.pid);
    await supervised.stop();
    expect(supervised.pid()).toBeUndefined();
  });

  it('fails with the last words of a child that ends before it is ready', async () => {
    const { supervised } = node("console.error('no luck today'); process.exit(3)", {
      ready: () => new Promise(() => undefined),
      restart: { waitMsFirst: 1, waitMsMax: 1, healthyAfterMs: 1 },
    });
    await expect(supervised.start()).rejects.toMatchObject({
      code: 'SERVICE_DID_NOT_START',
      message: expect.stringMatching(/^child ended with code 3: no luck today/),
    });
  });

  it('goes on trying a child that refuses, says what it said, and resolves when it does no more', async () => {
    const file = join(mkdtempSync(join(scratch, 'decision-')), 'made');
    const refuseOrServe = `const { existsSync } = require('node:fs');
      if (!existsSync(${JSON.stringify(file)})) { console.error('decide first'); process.exit(3); }
      ${SERVE_UNTIL_PARENT_ENDS}`;
    const { supervised, of, logFile } = node(refuseOrServe, {
      ready: () => until(() => readFileSync(logFile, 'utf8').includes('serving')),
      restart: { waitMsFirst: 1, waitMsMax: 1, healthyAfterMs: 1, refusedExitCode: 3 },
    });
    const started = supervised.start();
    await until(() => of('refused').length > 1);
    expect(of('refused')[0]).toMatchObject({ detail: 'decide first' });
    writeFileSync(file, '');
    await started;
    await supervised.stop();
  });

  it('fails for a command that does not exist', async () => {
    const { supervised } = node('', { command: '/nowhere/at-all' });
    await expect(supervised.start()).rejects.toMatchObject({ code: 'SERVICE_DID_NOT_START' });
    await supervised.stop();
  });

  it('fails after its time and leaves no process', async () => {
    const { supervised, of } = node(SERVE_UNTIL_PARENT_ENDS, {
      ready: () => new Promise(() => undefined),
      readyTimeoutMs: 200,
    });
    await expect(supervised.start()).rejects.toThrow('was not ready within 200 ms');
    await endedWithin(1000, [of('starting')[0]?.pid]);
  });

  it('that is stopped before it is ready rejects', async () => {
    const { supervised, of } = node(SERVE_UNTIL_PARENT_ENDS, { ready: () => new Promise(() => undefined) });
    const started = expect(supervised.start()).rejects.toThrow('stopped while it started');
    await supervised.stop();
    await started;
    await endedWithin(1000, [of('starting')[0]?.pid]);
  });
});

describe('a child that dies', () => {
  it('is started again with growing waits, up to the longest', async () => {
    const { supervised, of } = node('setTimeout(() => process.exit(1), 20)', {
      restart: { waitMsFirst: 10, waitMsMax: 40, healthyAfterMs: 60_000 },
    });
    await supervised.start();
    await until(() => of('restarting').length >= 4);
    await supervised.stop();
    expect(of('restarting').map((event) => event.waitMs)).toEqual(expect.arrayContaining([10, 20, 40, 40]));
  });

  it('after a healthy time waits no longer than the first time', async () => {
    const { supervised, of } = node('setTimeout(() => process.exit(1), 150)', {
      restart: { waitMsFirst: 10, waitMsMax: 10_000, healthyAfterMs: 50 },
    });
    await supervised.start();
    await until(() => of('restarting').length >= 3);
    await supervised.stop();
    expect(new Set(of('restarting').map((event) => event.waitMs))).toEqual(new Set([10]));
  });

  it('is not started again once stopped, even while it waits', async () => {
    const { supervised, of } = node('setTimeout(() => process.exit(1), 20)', {
      restart: { waitMsFirst: 60_000, waitMsMax: 60_000, healthyAfterMs: 60_000 },
    });
    await supervised.start();
    await until(() => of('restarting').length === 1);
    await supervised.stop();
    expect(of('starting')).toHaveLength(1);
    expect(of('stopped')).toHaveLength(1);
  });
});

describe('a stop', () => {
  it('kills a child that will not end, with its own children', async () => {
    const stubborn = `
      const { spawn } = require('node:child_process');
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
      process.on('SIGTERM', () => {});
      console.log('child=' + child.pid + ';');
      setInterval(() => {}, 1000);`;
    const { supervised, of, logFile } = node(stubborn, {
      stopTimeoutMs: 200,
      ready: () => until(() => readFileSync(logFile, 'utf8').includes(';')),
    });
    await supervised.start();
    await supervised.stop();
    const grandchild = Number(/child=(\d+);/.exec(readFileSync(logFile, 'utf8'))?.[1]);
    await endedWithin(1000, [of('starting')[0]?.pid, grandchild]);
  });

  it('by the end of input leaves the child its time', async () => {
    const { supervised, of } = node("process.stdin.on('end', () => process.exit(7)).resume()", { stopBy: 'stdin-end' });
    await supervised.start();
    await supervised.stop();
    expect(of('exited')[0]?.detail).toBe('ended with code 7');
  });
});

describe('a log', () => {
  it('that has grown past its limit is moved away at a start', async () => {
    const { supervised, logFile } = node('', { logBytesMax: 100 });
    writeFileSync(logFile, 'x'.repeat(101));
    await supervised.start();
    await supervised.stop();
    expect(statSync(`${logFile}.1`).size).toBe(101);
    expect(statSync(logFile).size).toBe(0);
  });
});

it('a supervisor killed with SIGKILL leaves no child behind', async () => {
  const parent = startNode([
    '--input-type=module',
    '-e',
    `import { supervise } from ${JSON.stringify(join(import.meta.dirname, 'supervise.ts'))};
     const child = supervise({ name: 'child', command: process.execPath, logFile: ${JSON.stringify(join(scratch, 'killed.log'))},
       args: ['-e', ${JSON.stringify(SERVE_UNTIL_PARENT_ENDS)}] });
     await child.start();
     console.log(JSON.stringify({ pid: child.pid() }));`,
  ]);
  const { pid } = await parent.firstLine<{ pid: number }>();
  parent.kill('SIGKILL');
  await endedWithin(5000, [pid]);
});
