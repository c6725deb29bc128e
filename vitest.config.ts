import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';
import { someOf } from './test/support/some-of.ts';

const UNIT_TIMEOUT_MS = 20_000;
const SYSTEM_TIMEOUT_MS = 120_000;
/** Fetching the broker on a machine that has never seen it takes a minute. */
const SYSTEM_HOOK_TIMEOUT_MS = 300_000;

/** Dozens of processes are started; each would compile the same files again, which takes longer than most of them run. */
const COMPILED_ONCE = { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url)) };

/**
 * The heavy ones: they start, kill or change whole servers and services, or run dozens of commands. A usual run takes a
 * quarter of them, five that follow one another: each five take about as long.
 */
const SERVER_SUITES = [
  'test/cli/up',
  'test/kafka/widen',
  'test/cli/licences',
  'infra/local/stack',
  'test/pipeline/notifier',

  'services/consumer/key-filters',
  'test/cli/doctor',
  'test/pipeline/import',
  'test/api/slow-clients',
  'test/kafka/access',

  'test/pipeline/consumer-group',
  'test/cli/reshard',
  'test/pipeline/first-occurrence',
  'test/pipeline/dead-letter-tools',
  'test/cli/statements-alerts',

  'test/pipeline/log-life',
  'test/upgrade/rolling-upgrade',
  'test/cli/demo',
  'test/api/caching',
  'test/pipeline/alerts',
].map((suite) => `${suite}.system.test.ts`);
/** Each kills its own servers for most of a minute, with nothing else beside it. A usual run takes one. */
const CHAOS_SUITES = ['chaos/chaos', 'cluster/cluster', 'chaos/alerts/alerts'].map(
  (suite) => `test/${suite}.system.test.ts`,
);

/** Those that a usual run leaves to other days. */
function leftOut(suites: readonly string[], count: number): string[] {
  const taken = new Set(someOf(suites, count));
  return suites.filter((suite) => !taken.has(suite));
}

/** Fast tests first; those on the real Kafka and ClickHouse after them, on one stack for all. */
export default defineConfig({
  test: {
    reporters: process.env['CI'] ? ['default', 'json'] : ['default'],
    outputFile: { json: 'test-results/vitest.json' },
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{schemas,services,infra,test}/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/*.system.test.ts', '**/*.browser.test.ts'],
          testTimeout: UNIT_TIMEOUT_MS,
          hookTimeout: UNIT_TIMEOUT_MS,
          // Nothing of ours keeps state in a module, so a worker may go on with the next file: half of the time is loading.
          isolate: false,
          // A good part of the time they wait for timers and files.
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'system',
          include: ['{services,infra,test}/**/*.system.test.ts'],
          exclude: [
            ...['**/node_modules/**', 'test/chaos/**', 'test/cluster/**', 'test/drill/**'],
            ...leftOut(SERVER_SUITES, SERVER_SUITES.length / 4),
          ],
          globalSetup: ['test/support/stack.ts'],
          env: COMPILED_ONCE,
          testTimeout: SYSTEM_TIMEOUT_MS,
          hookTimeout: SYSTEM_HOOK_TIMEOUT_MS,
          // As above: loading the modules anew for each file took a tenth of the whole run.
          isolate: false,
          // kafkajs asks for timers in the past; Node corrects them to 1 ms and warns.
          execArgv: ['--disable-warning=TimeoutNegativeWarning'],
          // They wait for servers more than they compute.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // A real Chromium looks at the dashboard as it was built last.
        test: {
          name: 'browser',
          include: ['test/browser/**/*.browser.test.ts'],
          globalSetup: ['test/support/stack.ts'],
          env: COMPILED_ONCE,
          testTimeout: SYSTEM_TIMEOUT_MS,
          hookTimeout: SYSTEM_HOOK_TIMEOUT_MS,
          execArgv: ['--disable-warning=TimeoutNegativeWarning'],
          sequence: { groupOrder: 3 },
        },
      },
      {
        // Loses whole instances and brings them back; a script of its own.
        test: {
          name: 'drill',
          include: ['test/drill/**/*.system.test.ts'],
          env: COMPILED_ONCE,
          testTimeout: SYSTEM_TIMEOUT_MS,
          hookTimeout: SYSTEM_HOOK_TIMEOUT_MS,
          execArgv: ['--disable-warning=TimeoutNegativeWarning'],
        },
      },
      {
        test: {
          name: 'chaos',
          include: ['test/{chaos,cluster}/**/*.system.test.ts'],
          exclude: ['**/node_modules/**', ...leftOut(CHAOS_SUITES, 1)],
          env: COMPILED_ONCE,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
