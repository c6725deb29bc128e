import { defineConfig } from 'vitest/config';

const UNIT_TIMEOUT_MS = 20_000;
const SYSTEM_TIMEOUT_MS = 120_000;
/** Fetching the broker on a machine that has never seen it takes a minute. */
const SYSTEM_HOOK_TIMEOUT_MS = 300_000;

/** Fast tests first; those on the real Kafka and ClickHouse after them, on one stack for all. */
export default defineConfig({
  test: {
    reporters: process.env['CI'] ? ['default', 'json'] : ['default'],
    outputFile: { json: 'test-results/vitest.json' },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{schemas,services,infra,test}/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/*.system.test.ts'],
          testTimeout: UNIT_TIMEOUT_MS,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'system',
          include: ['{services,infra,test}/**/*.system.test.ts'],
          // Kills its own servers for minutes: `npm run chaos -- --short` runs it by itself.
          exclude: ['**/node_modules/**', 'test/chaos/**'],
          globalSetup: ['test/support/local-stack.ts'],
          testTimeout: SYSTEM_TIMEOUT_MS,
          hookTimeout: SYSTEM_HOOK_TIMEOUT_MS,
          // kafkajs asks for timers in the past; Node corrects them to 1 ms and warns.
          execArgv: ['--disable-warning=TimeoutNegativeWarning'],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
