// The broker's jars: fetched once with Maven into the project's cache, where every data directory uses them.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { LocalStackError } from '../errors.ts';
import { lastLogLine } from '../log-file.ts';

const KAFKA_VERSION = '4.3.1';
const POM = join(import.meta.dirname, 'pom.xml');
const PARENT_WATCH = join(import.meta.dirname, 'ParentWatch.java');
const JAR = join(import.meta.dirname, 'Jar.java');
const CACHE = join(import.meta.dirname, '../../../node_modules/.cache/tally');

const ERROR_CHARACTERS_MAX = 300;

/** Where the jars are, or are going to be. The name changes with what is put there. */
export function jarsDir(): string {
  const content = createHash('sha256');
  for (const file of [POM, PARENT_WATCH, JAR]) content.update(readFileSync(file));
  return join(CACHE, `kafka-${KAFKA_VERSION}-${content.digest('hex').slice(0, 8)}`);
}

/** The class path of a complete directory of jars. Without a directory of classes: an archive of class data refuses those. */
export function classPath(jars: string): string {
  return join(jars, 'libs', '*');
}

export function jarsAreCached(): boolean {
  return existsSync(jarsDir());
}

/**
 * Fetches the jars and compiles the parent watch, in a directory that gets its name only when complete; so any number
 * of processes may do this at once. Output goes to `logFile`.
 * @throws LocalStackError KAFKA_DOWNLOAD_FAILED
 */
export async function fetchJars(tools: { java: string; maven: string; logFile: string }): Promise<void> {
  mkdirSync(CACHE, { recursive: true });
  const dir = mkdtempSync(join(CACHE, 'kafka-preparing-'));
  const libs = join(dir, 'libs');
  const classes = join(dir, 'classes');
  try {
    await run(tools.logFile, 'Maven', tools.maven, [
      ...['-q', '-B', '-ntp', '-Dstyle.color=never', '-f', POM],
      'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies',
      `-DoutputDirectory=${libs}`,
      '-DincludeScope=runtime',
    ]);
    await run(tools.logFile, 'the Java compiler', tools.java, [
      ...['-cp', join(libs, '*'), 'org.eclipse.jdt.internal.compiler.batch.Main'],
      ...['-17', '-nowarn', '-d', classes, PARENT_WATCH, JAR],
    ]);
    const jar = ['-cp', classes, 'Jar', join(libs, 'parent-watch.jar'), join(classes, 'ParentWatch.class')];
    await run(tools.logFile, 'Java', tools.java, jar);
    rename(dir, jarsDir());
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function rename(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    // Another process was faster: its jars are the same.
    if (!existsSync(to)) throw error;
  }
}

async function run(logFile: string, what: string, command: string, args: string[]): Promise<void> {
  const log = openSync(logFile, 'w');
  const leash = join(import.meta.dirname, '../leash.ts');
  const child = spawn(process.execPath, [leash, command, ...args], { detached: true, stdio: ['pipe', log, log] });
  closeSync(log);
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('exit', resolve);
  child.once('error', reject);
  if ((await promise) === 0) return;
  throw new LocalStackError(
    'KAFKA_DOWNLOAD_FAILED',
    `The Kafka broker could not be fetched, ${what} says: ${firstError(logFile)} (log: ${logFile})`,
  );
}

/** Maven's first error names the cause, at its end; its last ones explain how to report bugs. */
function firstError(logFile: string): string {
  const lines = stripVTControlCharacters(readFileSync(logFile, 'utf8')).split('\n');
  const error = lines.find((line) => line.startsWith('[ERROR] ') && line.length > '[ERROR] '.length);
  if (error === undefined) return lastLogLine(logFile, 0) ?? 'nothing';
  const text = error.slice('[ERROR] '.length).replace(/ -> \[Help \d+\]$/, '');
  return text.length <= ERROR_CHARACTERS_MAX ? text : `…${text.slice(-ERROR_CHARACTERS_MAX)}`;
}
