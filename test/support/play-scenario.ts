/**
 * Plays a scenario of the statements' model on the real services, and on the model beside them.
 */
import { changeEnvironments, changeLicences, committedPositions, decidePolicies, type Positions } from '@tally/figures';
import { policyNamed } from '@tally/metering';
import type { TallyProducer } from '@tally/producer';
import { type Issued, issueStatement, StatementRegister, type StatementSources } from '@tally/statements';
import { type ModelStatement, StatementModel, type Step } from './statement-model/index.ts';
import type { TestSystem } from './system.ts';

export interface PlayedStatement extends Issued {
  tenantId: string;
  month: string;
  at: number;
  wanted: ModelStatement;
  /** What the consumers had committed when it was issued. */
  positions: Positions;
}

const GRACE_DAYS = 3;
export const ISSUED_BY = 'finance';

/** What statements are issued from, at a time. */
export function statementSources(system: TestSystem, at: number): StatementSources {
  const { clickhouse, admin, sender, kafka, topics } = system;
  return {
    clickhouse,
    admin,
    topics,
    register: new StatementRegister({ kafka, admin, sender, clickhouse, topic: topics.statements }),
    positions: () => positionsOf(system),
    graceDays: GRACE_DAYS,
    clock: () => at,
  };
}

function positionsOf({ admin, groupId, topics }: TestSystem): Promise<Positions> {
  return committedPositions(admin, { groupId, topics: [topics.interactions, topics.profiles] });
}

/** Needs a consumer that runs. Resolves when all has happened. */
export async function playScenario(
  system: TestSystem,
  steps: readonly Step[],
): Promise<{ model: StatementModel; played: PlayedStatement[] }> {
  const model = new StatementModel();
  const played: PlayedStatement[] = [];
  const producer = system.producer();
  let isBehind = false;
  for (const step of steps) {
    const wanted = model.take(step);
    if (isBehind && (step.kind === 'aggregate' || step.kind === 'issue')) await system.caughtUp();
    isBehind = step.kind === 'records' || (isBehind && step.kind !== 'aggregate' && step.kind !== 'issue');
    if (step.kind !== 'issue') await play(system, producer, step);
    else if (wanted) played.push(await issue(system, step, wanted));
  }
  return { model, played };
}

async function play(
  system: TestSystem,
  producer: TallyProducer,
  step: Exclude<Step, { kind: 'issue' }>,
): Promise<void> {
  const { clickhouse } = system;
  switch (step.kind) {
    case 'records':
      await Promise.all(step.records.map((record) => producer.send(record)));
      return;
    case 'aggregate':
      await system.aggregate(() => step.at);
      return;
    case 'licences': {
      const { tenantId, at: now, lines } = step;
      return changeLicences(clickhouse, { tenantId, now, by: 'sales', because: 'an order', lines });
    }
    case 'environments': {
      const { tenantId, at: now, environments: lines } = step;
      return changeEnvironments(clickhouse, { tenantId, now, by: 'sales', because: 'set up', lines });
    }
    case 'policies': {
      const starts = step.starts.flatMap(({ from, policy: name }) => {
        const policy = policyNamed(name);
        return policy ? [{ from, policy }] : [];
      });
      const { tenantId, at: changedAt } = step;
      return decidePolicies(clickhouse, { tenantId, changedAt, changedBy: 'finance', because: 'a contract', starts });
    }
  }
}

async function issue(
  system: TestSystem,
  { tenantId, month, at }: Extract<Step, { kind: 'issue' }>,
  wanted: ModelStatement,
): Promise<PlayedStatement> {
  const positions = await positionsOf(system);
  const issued = await issueStatement(statementSources(system, at), { tenantId, month, by: ISSUED_BY });
  return { ...issued, tenantId, month, at, wanted, positions };
}
