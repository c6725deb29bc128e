// The JVM's archive of class data: what it makes of the broker's classes when it loads them, kept in a file and mapped
// into memory at later starts, which then take a third of the time. A JVM uses an archive only if it comes from the very
// same JVM and jars; without one, or with another one's, the broker starts as well, slower.

import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../errors.ts';
import type { OnEvent } from '../events.ts';
import { resolvePorts } from '../ports.ts';
import { prepareDataDir } from '../preflight.ts';
import { prepareBroker } from './broker.ts';
import { newClusterId } from './cluster.ts';
import { classPath, jarsDir } from './jars.ts';

const CHECK_MS_MAX = 60_000;

export interface ClassDataOptions {
  java: { path: string; version: string };
  /** The data directory's lock: the broker that writes the archive holds it, too. */
  lockFd: number;
  heapMiBMax: number;
  onEvent: OnEvent;
}

/**
 * The archive for this Java. The first time, a broker is started on an empty directory and stopped again, which takes some
 * ten seconds. Undefined if that did not work; where the JVM cannot do it, it is not tried a second time.
 */
export async function classDataArchive(options: ClassDataOptions): Promise<string | undefined> {
  const archive = join(jarsDir(), `broker-${options.java.version}.jsa`);
  if (!existsSync(archive)) await write(archive, options);
  return statSync(archive, { throwIfNoEntry: false })?.size ? archive : undefined;
}

async function write(archive: string, { java, lockFd, heapMiBMax, onEvent }: ClassDataOptions): Promise<void> {
  onEvent({ service: 'kafka', kind: 'preparing', detail: 'making later starts faster, once' });
  const dir = mkdtempSync(join(jarsDir(), 'first-start-'));
  const written = join(dir, 'classes.jsa');
  try {
    prepareDataDir(dir);
    const [port = 0, controllerPort = 0] = await resolvePorts([
      { option: 'Kafka', port: undefined },
      { option: "Kafka's controller", port: undefined },
    ]);
    const broker = await prepareBroker({
      ...{ dataDir: dir, java: java.path, nodeId: 1, port, controllerPorts: [controllerPort], heapMiBMax, lockFd },
      ...{ clusterId: newClusterId(), secured: undefined },
      classData: { write: written },
      restartWaitMsMax: undefined,
      onEvent: () => undefined,
    });
    try {
      await broker.start();
    } finally {
      await broker.stop();
    }
    if (!(await isWhole(written, dir, java.path))) {
      // An empty file says that it was tried: this JVM writes no archives, or none that it can use.
      rmSync(written, { force: true });
      writeFileSync(written, '');
    }
    // Complete or not at all: any number of processes may do this at once.
    renameSync(written, archive);
  } catch (error) {
    // The broker of the user's data will say why it cannot start, if it cannot either; the next start tries again.
    onEvent({ service: 'kafka', kind: 'preparing', detail: `later starts stay slow: ${messageOf(error)}` });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Whether the JVM maps the archive and finds every checksum right. On one that was cut short it would crash. */
async function isWhole(archive: string, cwd: string, java: string): Promise<boolean> {
  const flags = ['-Xshare:on', '-XX:+VerifySharedSpaces', `-XX:SharedArchiveFile=${archive}`];
  const args = [...flags, '-cp', classPath(jarsDir()), '-version'];
  return promisify(execFile)(java, args, { cwd, timeout: CHECK_MS_MAX }).then(
    () => true,
    () => false,
  );
}
