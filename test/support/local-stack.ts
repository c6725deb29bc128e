/**
 * The embedded Kafka and ClickHouse, for system tests.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLocalStack } from '@tally/local';
import type { SharedStack } from './stack.ts';

/** Throws LocalStackError when one of them cannot start. */
export async function startLocal(servers: { shards: number; replicas: number }): Promise<SharedStack> {
  const dataDir = mkdtempSync(join(tmpdir(), 'tally-test-'));
  const stack = await startLocalStack({
    dataDir,
    ...servers,
    onEvent: ({ service, kind, detail }) => {
      if (kind === 'preparing') process.stderr.write(`${service}: ${detail}\n`);
    },
  });
  return {
    kafka: stack.kafka,
    clickhouseUrl: stack.clickhouseUrl,
    clickhouseShards: stack.clickhouseShards.length > 1 ? stack.clickhouseShards : [],
    clickhouseReplicas: stack.clickhouseReplicas,
    stop: async () => {
      await stack.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
