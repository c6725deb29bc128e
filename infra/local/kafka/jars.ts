// The broker's jars: fetched once with Maven into the project's cache, where every data directory uses them.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyDependencies, type FetchTools, makeOnce, run } from '../fetch.ts';

const KAFKA_VERSION = '4.3.1';
const POM = join(import.meta.dirname, 'pom.xml');
const PARENT_WATCH = join(import.meta.dirname, 'ParentWatch.java');
const JAR = join(import.meta.dirname, 'Jar.java');
export const CACHE = join(import.meta.dirname, '../../../node_modules/.cache/tally');

const FETCHED = 'The Kafka broker';

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
 * Fetches the jars and compiles the parent watch. Output goes to `logFile`.
 * @throws LocalStackError KAFKA_DOWNLOAD_FAILED
 */
export async function fetchJars(tools: FetchTools): Promise<void> {
  const java = (what: string, args: string[]) =>
    run({ fetched: FETCHED, what, logFile: tools.logFile }, tools.java, args);
  await makeOnce(jarsDir(), async (dir) => {
    const [libs, classes] = [join(dir, 'libs'), join(dir, 'classes')];
    await copyDependencies(POM, libs, FETCHED, tools);
    await java('the Java compiler', [
      ...['-cp', join(libs, '*'), 'org.eclipse.jdt.internal.compiler.batch.Main'],
      ...['-17', '-nowarn', '-d', classes, PARENT_WATCH, JAR],
    ]);
    await java('Java', ['-cp', classes, 'Jar', join(libs, 'parent-watch.jar'), join(classes, 'ParentWatch.class')]);
  });
}
