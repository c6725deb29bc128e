/**
 * One real Kafka and one real ClickHouse for all system tests of a run. Every test file has topics and a database of its
 * own on them.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLocalStack } from '@tally/local';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    kafka: string;
    clickhouseUrl: string;
    /** Of the shards, where tests run on a cluster; else none. */
    clickhouseShards: string[];
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = mkdtempSync(join(tmpdir(), 'tally-test-'));
  const stack = await startLocalStack({
    dataDir,
    // A cluster of so many servers instead of one: TALLY_TEST_SHARDS=2.
    shards: Number(process.env['TALLY_TEST_SHARDS'] ?? 1),
    onEvent: ({ service, kind, detail }) => {
      if (kind === 'preparing') process.stderr.write(`${service}: ${detail}\n`);
    },
  });
  project.provide('kafka', stack.kafka);
  project.provide('clickhouseUrl', stack.clickhouseUrl);
  project.provide('clickhouseShards', stack.clickhouseShards.length > 1 ? stack.clickhouseShards : []);
  return async () => {
    await stack.stop();
    rmSync(dataDir, { recursive: true, force: true });
  };
}
