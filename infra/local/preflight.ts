// What must be true of the machine before anything is started.

import { execFile } from 'node:child_process';
import { accessSync, constants, mkdirSync, statfsSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { LocalStackError, messageOf } from './errors.ts';

const JAVA_MAJOR_MIN = 17;
const JAVA_ANSWER_MS_MAX = 20_000;

/**
 * Makes the data directory and its log directory if need be.
 * @throws LocalStackError DATA_DIR_NOT_WRITABLE
 */
export function prepareDataDir(dataDir: string): void {
  try {
    mkdirSync(join(dataDir, 'logs'), { recursive: true });
    accessSync(dataDir, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new LocalStackError(
      'DATA_DIR_NOT_WRITABLE',
      `The data directory ${dataDir} cannot be written to (${messageOf(error)}); choose another.`,
      error,
    );
  }
}

/** @throws LocalStackError DISK_FULL if fewer than `bytesMin` bytes are free where `dataDir` is */
export function checkFreeDisk(dataDir: string, bytesMin: number): void {
  const { bavail, bsize } = statfsSync(dataDir);
  const bytesFree = bavail * bsize;
  if (bytesFree >= bytesMin) return;
  throw new LocalStackError(
    'DISK_FULL',
    `${mebibytes(bytesFree)} are free for ${dataDir}, ${mebibytes(bytesMin)} are needed; free some space or choose another data directory.`,
  );
}

function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / 1024 / 1024)} MiB`;
}

export interface JavaRuntime {
  path: string;
  /** As it says itself: `17.0.15`. */
  version: string;
}

/**
 * The Java runtime found in `searchPath` (a PATH).
 * @throws LocalStackError JAVA_MISSING, or JAVA_TOO_OLD below 17
 */
export async function findJava(searchPath: string): Promise<JavaRuntime> {
  const java = findCommand('java', searchPath);
  if (java === undefined) {
    throw new LocalStackError(
      'JAVA_MISSING',
      `Kafka needs Java ${JAVA_MAJOR_MIN} or later and there is no "java" on the PATH; install a JRE or JDK.`,
    );
  }
  const version = await javaVersion(java);
  if (version.major < JAVA_MAJOR_MIN) {
    throw new LocalStackError(
      'JAVA_TOO_OLD',
      `Kafka needs Java ${JAVA_MAJOR_MIN} or later and ${java} is ${version.text}; put a later one first on the PATH.`,
    );
  }
  return { path: java, version: version.text };
}

/** @throws LocalStackError MAVEN_MISSING */
export function findMaven(searchPath: string): string {
  const maven = findCommand('mvn', searchPath);
  if (maven !== undefined) return maven;
  throw new LocalStackError(
    'MAVEN_MISSING',
    'The Kafka broker is fetched with Maven, once, and there is no "mvn" on the PATH; install Maven.',
  );
}

function findCommand(name: string, searchPath: string): string | undefined {
  for (const directory of searchPath.split(delimiter)) {
    const path = join(directory, name);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return path;
    } catch {
      // Not in this one.
    }
  }
  return undefined;
}

async function javaVersion(java: string): Promise<{ major: number; text: string }> {
  let said: string;
  try {
    // `java -version` has always spoken on standard error.
    said = (await promisify(execFile)(java, ['-version'], { timeout: JAVA_ANSWER_MS_MAX })).stderr;
  } catch (error) {
    const reason = messageOf(error).split('\n', 1)[0];
    throw new LocalStackError(
      'JAVA_MISSING',
      `${java} does not run (${reason}); install Java ${JAVA_MAJOR_MIN}.`,
      error,
    );
  }
  const text = /version "([^"]+)"/.exec(said)?.[1] ?? 'of an unknown version';
  // Java 8 and before called themselves 1.8.
  const major = Number(/^(?:1\.)?(\d+)/.exec(text)?.[1] ?? 0);
  return { major, text };
}
