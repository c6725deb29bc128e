// The broker's jars for others than the embedded stack: images are made of them.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findJava, findMaven } from '../preflight.ts';
import { fetchJars, jarsAreCached, jarsDir } from './jars.ts';

/**
 * The directory of the pinned broker's jars, fetched with Maven if they are not there yet.
 * @throws LocalStackError when Java or Maven is missing, or KAFKA_DOWNLOAD_FAILED
 */
export async function brokerJars(onPreparing: (detail: string) => void): Promise<string> {
  if (!jarsAreCached()) {
    onPreparing('fetching the Kafka broker with Maven, once');
    const { PATH = '' } = process.env;
    const logDir = mkdtempSync(join(tmpdir(), 'tally-jars-'));
    const java = await findJava(PATH);
    await fetchJars({ java: java.path, maven: findMaven(PATH), logFile: join(logDir, 'maven.log') });
    rmSync(logDir, { recursive: true, force: true });
  }
  return join(jarsDir(), 'libs');
}
