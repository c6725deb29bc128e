/**
 * One real Kafka and one real ClickHouse for all system tests of a run. Every test file has topics and a database of its
 * own on them. `TALLY_TEST_STACK` says what they are: `local` (the embedded ones, the default) or `containers`;
 * `TALLY_TEST_SHARDS=2` makes ClickHouse a cluster of so many embedded servers, `TALLY_TEST_REPLICAS=2` gives each shard
 * so many of them.
 */
import { parseConfig, wholeNumber } from '@tally/platform/config';
import type { TestProject } from 'vitest/node';
import { z } from 'zod';
import { startContainers } from './containers-stack.ts';
import { startLocal } from './local-stack.ts';

declare module 'vitest' {
  interface ProvidedContext {
    kafka: string;
    clickhouseUrl: string;
    /** Of the shards, where tests run on a cluster; else none. */
    clickhouseShards: string[];
    /** Of the servers beside those, where shards have replicas; else none. */
    clickhouseReplicas: string[];
  }
}

export interface SharedStack {
  /** `host:port` */
  kafka: string;
  clickhouseUrl: string;
  /** Of the shards, where tests run on a cluster; else none. */
  clickhouseShards: string[];
  /** Of the servers beside those, where shards have replicas; else none. */
  clickhouseReplicas: string[];
  /** Nothing of it is left afterwards, data neither. */
  stop: () => Promise<void>;
}

const KINDS = { local: startLocal, containers: startContainers } as const;

const SHARDS_MAX = 8;
const REPLICAS_MAX = 3;

const stackConfig = z
  .object({
    TALLY_TEST_STACK: z.enum(['local', 'containers'], 'expected local or containers').default('local'),
    TALLY_TEST_SHARDS: wholeNumber(1, SHARDS_MAX, 1),
    TALLY_TEST_REPLICAS: wholeNumber(1, REPLICAS_MAX, 1),
  })
  .refine(({ TALLY_TEST_SHARDS: shards, TALLY_TEST_REPLICAS: replicas }) => shards > 1 || replicas === 1, {
    path: ['TALLY_TEST_REPLICAS'],
    message: 'replicas are of two shards or more',
  })
  .refine(({ TALLY_TEST_STACK: kind, TALLY_TEST_SHARDS: shards }) => kind === 'local' || shards === 1, {
    path: ['TALLY_TEST_SHARDS'],
    message: 'containers are one server',
  });

/** Which stack the tests run on. Throws `CONFIG_INVALID` for one that there is not. */
export function stackOf(env: Readonly<Record<string, string | undefined>>): {
  kind: keyof typeof KINDS;
  shards: number;
  replicas: number;
} {
  const {
    TALLY_TEST_STACK: kind,
    TALLY_TEST_SHARDS: shards,
    TALLY_TEST_REPLICAS: replicas,
  } = parseConfig(stackConfig, env);
  return { kind, shards, replicas };
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { kind, ...servers } = stackOf(process.env);
  const stack = await KINDS[kind](servers);
  project.provide('kafka', stack.kafka);
  project.provide('clickhouseUrl', stack.clickhouseUrl);
  project.provide('clickhouseShards', stack.clickhouseShards);
  project.provide('clickhouseReplicas', stack.clickhouseReplicas);
  return stack.stop;
}
