import { CHECKPOINTS } from '@tally/consumer';
import { Random } from '@tally/simulator';
import { describe, expect, it } from 'vitest';
import { FailPlans } from './fail-plans.ts';
import { FULL, SHORT } from './form.ts';

describe('the plans of consumers’ lives', () => {
  const seeds = Array.from({ length: 20 }, (_, index) => [index]);

  it.each(seeds)('kill at every place as often as wanted and freeze as often as wanted, seed %i', (seed) => {
    for (const form of [FULL, SHORT]) {
      const plans = new FailPlans(new Random(seed), form);
      for (let lives = 0; !plans.done(); lives++) {
        const plan = plans.arm();
        expect(plan, `life ${lives}`).not.toEqual([]);
        plans.ended(plan, plan);
      }
      const wanted = Object.fromEntries(CHECKPOINTS.map((place) => [place, form.killsPerPlace]));
      expect(Object.fromEntries(plans.kills)).toEqual(wanted);
      expect(plans.freezesDone()).toBe(form.freezes);
    }
  });

  it('freeze one consumer at a time, and let it live on afterwards', () => {
    const plans = new FailPlans(new Random(1), FULL);
    const armed = Array.from({ length: 10 }, () => plans.arm());
    const freezing = armed.filter((plan) => plan.some(({ action }) => action === 'freeze'));
    expect(freezing).toHaveLength(1);
    expect(freezing[0]?.map(({ action }) => action)).toEqual(['freeze', 'die']);
    const [freeze, die] = freezing[0] ?? [];
    expect(die?.nth).toBeGreaterThan(freeze?.nth ?? Number.POSITIVE_INFINITY);
  });

  it('give a place that a life did not reach to another life', () => {
    const plans = new FailPlans(new Random(1), { ...SHORT, freezes: 0, killsPerPlace: 1 });
    const first = CHECKPOINTS.map(() => plans.arm());
    expect(plans.arm()).toEqual([]);
    plans.ended(first[0] ?? [], []);
    expect(plans.arm()[0]?.place).toBe(first[0]?.[0]?.place);
  });

  it('are empty once it is to be calm', () => {
    const plans = new FailPlans(new Random(1), FULL);
    plans.calmDown();
    expect(plans.arm()).toEqual([]);
  });
});
