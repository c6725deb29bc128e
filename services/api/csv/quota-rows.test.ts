import { expect, it } from 'vitest';
import { EXAMPLES } from './examples.ts';
import { quotaRows } from './quota-rows.ts';

it('leave empty what is not known of unified people, in each environment too', () => {
  const { quota } = EXAMPLES;
  const rows = [...quotaRows({ ...quota, unifiedPeople: { ...quota.unifiedPeople, known: false } })];
  const used = rows.filter(([, figure]) => figure === 'unifiedPeople.used');
  expect(used.map(([, , dimension, key, value]) => [dimension, key, value])).toEqual([
    ['total', '', null],
    ['environment', 'prod', null],
  ]);
  const engaged = rows.filter(([, figure]) => figure === 'engagedPeople.used');
  expect(engaged.map(([, , , key, value]) => [key, value])).toEqual([
    ['', 790],
    ['prod', 790],
  ]);
});
