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
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = mkdtempSync(join(tmpdir(), 'tally-test-'));
  const stack = await startLocalStack({
    dataDir,
    onEvent: ({ service, kind, detail }) => {
      if (kind === 'preparing') process.stderr.write(`${service}: ${detail}\n`);
    },
  });
  project.provide('kafka', stack.kafka);
  project.provide('clickhouseUrl', stack.clickhouseUrl);
  return async () => {
    await stack.stop();
    rmSync(dataDir, { recursive: true, force: true });
  };
}
