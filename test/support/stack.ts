/**
 * One real Kafka and one real ClickHouse for all system tests of a run. Every test file has topics and a database of its
 * own on them. `TALLY_TEST_STACK` says what they are: `local` (the embedded ones, the default) or `containers`.
 */
import { parseConfig } from '@tally/platform/config';
import type { TestProject } from 'vitest/node';
import { z } from 'zod';
import { startContainers } from './containers-stack.ts';
import { startLocal } from './local-stack.ts';

declare module 'vitest' {
  interface ProvidedContext {
    kafka: string;
    clickhouseUrl: string;
  }
}

export interface SharedStack {
  /** `host:port` */
  kafka: string;
  clickhouseUrl: string;
  /** Nothing of it is left afterwards, data neither. */
  stop: () => Promise<void>;
}

const KINDS = { local: startLocal, containers: startContainers } as const;

const stackConfig = z.object({
  TALLY_TEST_STACK: z.enum(['local', 'containers'], 'expected local or containers').default('local'),
});

/** Which stack the tests run on. Throws `CONFIG_INVALID` for a kind that there is not. */
export function stackKind(env: Readonly<Record<string, string | undefined>>): keyof typeof KINDS {
  return parseConfig(stackConfig, env).TALLY_TEST_STACK;
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const stack = await KINDS[stackKind(process.env)]();
  project.provide('kafka', stack.kafka);
  project.provide('clickhouseUrl', stack.clickhouseUrl);
  return stack.stop;
}
