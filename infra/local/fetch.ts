// Runs the tools that fetch jars and prepare them, each on a leash; what they say goes to a log.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { LocalStackError } from './errors.ts';
import { lastLogLine } from './log-file.ts';

export interface FetchTools {
  java: string;
  maven: string;
  logFile: string;
}

const ERROR_CHARACTERS_MAX = 300;

/**
 * Copies the jars that a pom names, with all that they need, into a directory.
 * @param fetched what is fetched, as the subject of a sentence
 * @throws LocalStackError KAFKA_DOWNLOAD_FAILED
 */
export function copyDependencies(pom: string, libs: string, fetched: string, { maven, logFile }: FetchTools) {
  return run({ fetched, logFile, what: 'Maven' }, maven, [
    ...['-q', '-B', '-ntp', '-Dstyle.color=never', '-f', pom],
    'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies',
    `-DoutputDirectory=${libs}`,
    '-DincludeScope=runtime',
  ]);
}

/** Throws LocalStackError KAFKA_DOWNLOAD_FAILED unless the command ends with 0. */
export async function run(
  { fetched, what, logFile }: { fetched: string; what: string; logFile: string },
  command: string,
  args: string[],
): Promise<void> {
  const log = openSync(logFile, 'w');
  const leash = join(import.meta.dirname, 'leash.ts');
  const child = spawn(process.execPath, [leash, command, ...args], { detached: true, stdio: ['pipe', log, log] });
  closeSync(log);
  const [exitCode] = await once(child, 'exit');
  if (exitCode === 0) return;
  throw new LocalStackError(
    'KAFKA_DOWNLOAD_FAILED',
    `${fetched} could not be fetched, ${what} says: ${firstError(logFile)} (log: ${logFile})`,
  );
}

/**
 * Makes a directory that gets its name only when it is complete; so any number of processes may do this at once.
 * @param fill writes what belongs there into the directory that it is given
 */
export async function makeOnce(dir: string, fill: (unnamed: string) => Promise<void>): Promise<void> {
  mkdirSync(dirname(dir), { recursive: true });
  const unnamed = mkdtempSync(`${dir}-preparing-`);
  try {
    await fill(unnamed);
    nameOnceComplete(unnamed, dir);
  } finally {
    rmSync(unnamed, { recursive: true, force: true });
  }
}

function nameOnceComplete(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    // Another process was faster: its jars are the same.
    if (!existsSync(to)) throw error;
  }
}

/** Maven's first error names the cause, at its end; its last ones explain how to report bugs. */
function firstError(logFile: string): string {
  const lines = stripVTControlCharacters(readFileSync(logFile, 'utf8')).split('\n');
  const error = lines.find((line) => line.startsWith('[ERROR] ') && line.length > '[ERROR] '.length);
  if (error === undefined) return lastLogLine(logFile, 0) ?? 'nothing';
  const text = error.slice('[ERROR] '.length).replace(/ -> \[Help \d+\]$/, '');
  return text.length <= ERROR_CHARACTERS_MAX ? text : `…${text.slice(-ERROR_CHARACTERS_MAX)}`;
}
