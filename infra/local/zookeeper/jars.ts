// ZooKeeper's jars: fetched when a stack with replicas is first asked for, into the cache that the broker's are in.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyDependencies, type FetchTools, makeOnce } from '../fetch.ts';
import { CACHE } from '../kafka/jars.ts';

const POM = join(import.meta.dirname, 'pom.xml');

/** Where the jars are, or are going to be. The name changes with what is put there. */
export function zookeeperJarsDir(): string {
  return join(CACHE, `zookeeper-${createHash('sha256').update(readFileSync(POM)).digest('hex').slice(0, 8)}`);
}

export function zookeeperJarsAreCached(): boolean {
  return existsSync(zookeeperJarsDir());
}

/** Fetches the jars. Throws LocalStackError KAFKA_DOWNLOAD_FAILED. */
export async function fetchZookeeperJars(tools: FetchTools): Promise<void> {
  await makeOnce(zookeeperJarsDir(), (dir) => copyDependencies(POM, dir, 'ZooKeeper', tools));
}
