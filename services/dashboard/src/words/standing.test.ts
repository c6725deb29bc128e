import { describe, expect, it } from 'vitest';
import type { OverviewTenant, Used } from '../api/answers.ts';
import { inSight, type Standing, standingOf, worstOf } from './standing.ts';

function used(of: number, owned: number, change: Partial<Used> = {}): Used {
  return {
    owned,
    used: of,
    remaining: Math.max(0, owned - of),
    overage: Math.max(0, of - owned),
    share: owned === 0 ? null : of / owned,
    reachedOn: null,
    ...change,
  };
}

function tenant(tenantId: string, engaged: Used, alerts: Partial<OverviewTenant['alerts']> = {}): OverviewTenant {
  return {
    tenantId,
    engagedPeople: engaged,
    interactions: { ...used(0, 10 * engaged.owned), month: '2026-11', projected: 0 },
    unifiedPeople: { ...used(0, engaged.owned), known: true },
    months: [],
    alerts: { critical: 0, warning: 0, info: 0, ...alerts },
    peopleToBuy: null,
  };
}

describe('how a quota stands', () => {
  const cases: [Used & { known?: boolean }, boolean, Standing][] = [
    [used(79, 100), true, 'plenty'],
    [used(80, 100), true, 'filling'],
    [used(90, 100), true, 'near'],
    [used(50, 100, { reachedOn: '2026-12-01' }), true, 'reaching'],
    [used(50, 100, { reachedOn: '2027-07-27' }), true, 'plenty'],
    [used(100, 100, { reachedOn: '2026-11-01' }), true, 'full'],
    [used(101, 100), true, 'over'],
    [used(5, 0), true, 'over'],
    [used(0, 0), true, 'none'],
    [used(5, 0), false, 'none'],
    [{ ...used(0, 100), known: false }, true, 'unknown'],
  ];
  it.each(cases)('%o, of a tenant that owns something: %s, is %s', (figure, isLicensed, standing) => {
    expect(standingOf(figure, isLicensed, '2026-11-22')).toBe(standing);
  });

  it('is the worst of a tenant’s meters', () => {
    expect(worstOf({ ...tenant('a', used(10, 100)), unifiedPeople: { ...used(95, 100), known: true } })).toBe('near');
  });
});

describe('what is in sight', () => {
  const tenants = [
    tenant('calm', used(10, 100)),
    tenant('Over-a-bit', used(101, 100)),
    tenant('near', used(95, 100), { info: 1 }),
    tenant('over-a-lot', used(300, 100), { critical: 2 }),
    tenant('unlicensed', used(700, 0)),
  ];
  const names = (sight: Partial<Parameters<typeof inSight>[1]>): string[] =>
    inSight(tenants, { text: '', show: 'all', order: 'urgency', ...sight }).map(({ tenantId }) => tenantId);

  it('begins with who is over, the most first, then who is about to be', () => {
    expect(names({})).toEqual(['over-a-lot', 'Over-a-bit', 'near', 'calm', 'unlicensed']);
  });

  it('is what is searched for, in any case', () => {
    expect(names({ text: ' OVER ' })).toEqual(['over-a-lot', 'Over-a-bit']);
  });

  it('is what needs attention, or has alerts', () => {
    expect(names({ show: 'attention' })).toEqual(['over-a-lot', 'Over-a-bit', 'near']);
    expect(names({ show: 'alerts', order: 'name' })).toEqual(['near', 'over-a-lot']);
  });

  it('is in the order of alerts where that is asked', () => {
    expect(names({ order: 'alerts' }).slice(0, 2)).toEqual(['over-a-lot', 'near']);
  });
});
