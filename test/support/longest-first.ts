/**
 * The order of test files. Vitest begins with those that took longest the last time; a fresh clone has no last time, and one
 * of the longest that began last would run alone at the end.
 */
import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** They start whole stacks or work off hundreds of thousands of rows; the longest first. */
const LONGEST = [
  'test/cli/up.system.test.ts',
  'test/pipeline/import.system.test.ts',
  'test/pipeline/consumer-group.system.test.ts',
  'test/pipeline/first-occurrence.system.test.ts',
  'test/pipeline/log-life.system.test.ts',
  'test/pipeline/ledger-broken.system.test.ts',
  'test/pipeline/ledger.system.test.ts',
  'test/pipeline/replay.system.test.ts',
  'test/cli/demo.system.test.ts',
  'infra/local/stack.system.test.ts',
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const index = LONGEST.indexOf(relative(this.ctx.config.root, moduleId));
      return index === -1 ? LONGEST.length : index;
    };
    // The sort is stable: the others stay in Vitest's own order.
    return (await super.sort(files)).sort((one, other) => place(one) - place(other));
  }
}
