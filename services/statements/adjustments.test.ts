import { describe, expect, it } from 'vitest';
import { adjustmentsOf, figuresOf, type StatedFigures, statedSoFar } from './adjustments.ts';
import { sealed } from './digest.ts';
import type { Adjustment, Statement } from './document.ts';
import { sampleContent } from './sample-content.ts';

const figures = (change: Partial<StatedFigures> = {}): StatedFigures => ({ ...figuresOf(sampleContent), ...change });
const statement = (month: string, adjustments: Adjustment[] = []): Statement =>
  sealed({ ...sampleContent, month, adjustments });
const adjustment = (month: string, difference: number): Adjustment => ({
  month,
  figure: 'interactions',
  stated: 0,
  known: 0,
  difference,
});

describe('adjustments', () => {
  it('are what is known now minus all that was stated, month after month', () => {
    const first = statement('2026-01');
    const second = statement('2026-02', [adjustment('2026-01', 5)]);
    const third = statement('2026-03', [adjustment('2026-01', -2), adjustment('2026-02', 1)]);
    const stated = statedSoFar([first, second, third]);
    expect(stated.get('2026-01')?.interactions).toBe(43);
    expect(stated.get('2026-02')?.interactions).toBe(41);
    const known = new Map([
      ['2026-01', figures({ interactions: 50, engagedPeoplePeak: 39 })],
      ['2026-02', figures({ interactions: 41 })],
      ['2026-03', figures({ interactions: 0 })],
    ]);
    expect(adjustmentsOf('2026-04', stated, known)).toEqual([
      { month: '2026-01', figure: 'interactions', stated: 43, known: 50, difference: 7 },
      { month: '2026-01', figure: 'engagedPeoplePeak', stated: 40, known: 39, difference: -1 },
      { month: '2026-03', figure: 'interactions', stated: 40, known: 0, difference: -40 },
    ]);
  });

  it('leave out the month itself, later ones, those never stated and those not looked at', () => {
    const stated = statedSoFar([statement('2026-02'), statement('2026-03'), statement('2026-05')]);
    const changed = figures({ interactions: 1 });
    const known = new Map(['2026-01', '2026-03', '2026-04', '2026-05'].map((month) => [month, changed]));
    expect(adjustmentsOf('2026-04', stated, known).map(({ month }) => month)).toEqual(['2026-03']);
  });
});
