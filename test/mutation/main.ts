/**
 * `npm run mutation`: breaks each safety step in turn, in a copy of the tree, and shows that a suite catches it. Ends with 1
 * when one survives. `--only TEXT` takes those whose name holds it; `--json` for machines.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { print, printJson, table } from '@tally/cli/print';
import { copyTree } from '../support/tree-copy.ts';
import { MUTATIONS, type Mutation } from './mutations.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const COPIED = ['schemas', 'services', 'infra', 'test', 'package.json', 'tsconfig.json', 'vitest.config.ts'];
const SUITE_MS_MAX = 300_000;

interface Result {
  name: string;
  harm: string;
  /** The suite that failed, or undefined when the mutation survived. */
  caughtBy: string | undefined;
  seconds: number;
}

const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, json: { type: 'boolean', default: false } },
});
const results: Result[] = [];
for (const mutation of MUTATIONS.filter(({ name }) => name.includes(values.only))) {
  const startedAt = Date.now();
  const caughtBy = await tryMutation(mutation);
  results.push({ name: mutation.name, harm: mutation.harm, caughtBy, seconds: (Date.now() - startedAt) / 1000 });
  process.stderr.write(`${mutation.name}: ${caughtBy ? `caught by ${caughtBy}` : 'SURVIVED'}\n`);
}
if (values.json) printJson({ results });
else {
  const columns = ['broken step', 'harm', 'caught by', 's'].map((title) => ({ title }));
  print(
    table(
      columns,
      results.map((one) => [one.name, one.harm, one.caughtBy ?? 'NOTHING', one.seconds.toFixed(0)]),
    ),
  );
}
process.exitCode = results.length > 0 && results.every(({ caughtBy }) => caughtBy !== undefined) ? 0 : 1;

/** The first suite that fails on the broken tree. A suite must pass on the tree as it is; `npm test` sees to that. */
async function tryMutation({ edits, suites }: Mutation): Promise<string | undefined> {
  const { dir, change, remove } = copyTree('mutation', COPIED);
  try {
    for (const { file, from, to } of edits) change(file, [[from, to]]);
    for (const { project, filter } of suites) {
      if (await suiteFails(dir, project, filter)) return filter;
    }
    return undefined;
  } finally {
    remove();
  }
}

/** True when vitest reports failed tests; anything else but success is an error of the harness. */
function suiteFails(tree: string, project: string, filter: string): Promise<boolean> {
  const report = join(tree, 'report.json');
  const args = ['run', '--project', project, '--bail=1', '--reporter=json', `--outputFile=${report}`, filter];
  return new Promise((fulfil, reject) => {
    const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
    const child = spawn(process.execPath, [vitest, ...args], { cwd: tree, stdio: 'ignore', timeout: SUITE_MS_MAX });
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code === 0) return fulfil(false);
      try {
        const { numFailedTests, numFailedTestSuites } = JSON.parse(readFileSync(report, 'utf8')) as Record<
          string,
          number
        >;
        fulfil((numFailedTests ?? 0) + (numFailedTestSuites ?? 0) > 0);
      } catch (cause) {
        reject(new Error(`vitest ended with ${code} and without a report`, { cause }));
      }
    });
  });
}
