export { type ModelStatement, StatementModel } from './model.ts';
export { allowanceOf, ownedOn } from './owned.ts';
export { SCENARIO_MONTHS, scenarioOf } from './scenario.ts';
export type { ModelRecord, Step } from './steps.ts';
