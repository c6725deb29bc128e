/**
 * The rows behind a statement against a plain model, on random histories with voids, late events and policies with a date:
 * they are what was known when it was issued, whatever came after.
 */
import { decidePolicies } from '@tally/figures';
import { addDays, type PolicyTimeline, policyNamed, timelineOf } from '@tally/metering';
import { createLog } from '@tally/platform/log';
import { issueStatement, type StatementSources, statementSources } from '@tally/statements';
import { type EvidenceFigure, type EvidencePage, explain, page } from '@tally/statements/evidence';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runsOf } from '../support/some-of.ts';
import { eventually, freshTenant, TestSystem } from '../support/system.ts';
import { type WrittenEvent, WrittenLog } from '../support/written-log.ts';

const SEED = 20_261_122;
const NOW = Date.parse('2026-04-10T00:00:00Z');
const MONTH = '2026-03';
const log = createLog('test', 'silent');

const policiesFrom = (...starts: [from: string, name: string][]) =>
  starts.map(([from, name]) => ({ from, policy: policyNamed(name) ?? expect.fail(name) }));

/** What a random history may do on a day: an event, or taking back one of those before it. */
const anyStep = fc.record({
  entity: fc.nat(6),
  day: fc.oneof(fc.constantFrom(-366, -365, -364, -1, 0, 30, 31), fc.integer({ min: -400, max: 33 })),
  inbound: fc.boolean(),
  takesBack: fc.option(fc.nat(30), { freq: 3 }),
});
const anyHistory = fc.record({
  before: fc.array(anyStep, { maxLength: 30 }),
  after: fc.array(anyStep, { maxLength: 20 }),
  policyFrom: fc.option(fc.integer({ min: -380, max: 31 })),
  limit: fc.integer({ min: 1, max: 12 }),
});
type Step = typeof anyStep extends fc.Arbitrary<infer Of> ? Of : never;

describe('the evidence of random histories', () => {
  let random: TestSystem;
  let written: WrittenLog;
  let randomSources: StatementSources & { close: () => Promise<void> };

  beforeAll(async () => {
    random = await TestSystem.create('evidence_random');
    written = await WrittenLog.open(random, 4);
    const { kafka, admin, clickhouse, topics, groupId } = random;
    const clock = (): number => NOW;
    const made = statementSources({ kafka, admin, clickhouse, topics, groupId, graceDays: 3, clock, log });
    randomSources = { ...made, positions: async () => written.positions() };
  });

  afterAll(async () => {
    await randomSources?.close();
    await random?.close();
  });

  const dayOf = (day: number): string => addDays('2026-03-01', day);

  interface Happened {
    number: number;
    entity: number;
    day: string;
    inbound: boolean;
    voided: boolean;
  }

  /** Writes the steps, one after the other, and notes in `happened` what they come to. */
  async function write(tenantId: string, steps: readonly Step[], happened: Happened[]): Promise<void> {
    for (const { entity, day, inbound, takesBack } of steps) {
      const taken = takesBack === null ? undefined : happened[takesBack];
      if (taken && !taken.voided) {
        const event: WrittenEvent = { tenantId, entity: taken.entity, day: taken.day, voids: taken.number };
        await written.write(event);
        taken.voided = true;
        continue;
      }
      const event = { entity, day: dayOf(day), inbound };
      happened.push({ ...event, number: await written.write({ tenantId, ...event }), voided: false });
    }
  }

  /** By the letter of the rules: what counts now of the days from `first` to the month's end. */
  function counted(happened: readonly Happened[], policies: PolicyTimeline, first: string): Happened[] {
    return happened.filter(({ day, inbound, voided }) => {
      const policy = policies.findLast(({ from }) => from <= day)?.policy.name;
      return !voided && day >= first && day <= '2026-03-31' && (policy === 'all' || !inbound);
    });
  }

  it(`is what was known when the statement was issued, whatever came after (seed ${SEED})`, async () => {
    await fc.assert(
      fc.asyncProperty(anyHistory, async ({ before, after, policyFrom, limit }) => {
        const tenantId = freshTenant('random');
        const starts = policyFrom === null ? [] : policiesFrom([dayOf(policyFrom), 'outbound-only']);
        const decision = { tenantId, changedAt: 1, changedBy: 'ann', because: '', starts };
        if (starts.length > 0) await decidePolicies(random.clickhouse, decision);
        const happened: Happened[] = [];
        await write(tenantId, [{ entity: 0, day: -1_000, inbound: false, takesBack: null }, ...before], happened);
        const { statement } = await eventually(() =>
          issueStatement(randomSources, { tenantId, month: MONTH, by: 'ann' }),
        );
        const inMonth = counted(happened, timelineOf(starts), '2026-03-01');
        const inWindow = counted(happened, timelineOf(starts), '2025-04-01');
        const people = Map.groupBy(inWindow, ({ entity }) => entity);
        await write(tenantId, after, happened);

        const rowsOf = async (figure: EvidenceFigure) => {
          const { addsUp, stated } = await explain(random.clickhouse, { statement, figure });
          const rows: EvidencePage['rows'] = [];
          for (let cursor: string | null | undefined; cursor !== null; ) {
            const asked = { statement, figure, limit, ...(cursor === undefined ? {} : { after: cursor }) };
            const found = await page(random.clickhouse, asked);
            rows.push(...found.rows);
            cursor = found.next;
          }
          expect({ figure, addsUp, stated }).toEqual({ figure, addsUp: true, stated: rows.length });
          return rows;
        };
        const interactions = await rowsOf('interactions');
        expect(interactions.map(({ eventId }) => Number(eventId)).sort((a, b) => a - b)).toEqual(
          inMonth.map(({ number }) => number),
        );
        const engaged = await rowsOf('engagedPeople');
        expect(new Map(engaged.map((row) => [row['entityId'], row['interactions']]))).toEqual(
          new Map([...people].map(([entity, own]) => [`e${entity}`, own.length])),
        );
        await rowsOf('engagedPeoplePeak');
      }),
      // A history takes seconds: it is told as it is, not made smaller.
      { seed: SEED, numRuns: runsOf(2, 6), endOnFailure: true },
    );
  });
});
