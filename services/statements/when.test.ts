import { describe, expect, it } from 'vitest';
import { lastStatable, requireStatable, statableFrom } from './when.ts';

const at = (moment: string): number => Date.parse(moment);

describe('when a month may be stated', () => {
  it.each([
    ['2026-03', 3, '2026-04-04'],
    ['2026-12', 3, '2027-01-04'],
    ['2024-02', 3, '2024-03-04'],
    ['2026-03', 0, '2026-04-01'],
    ['2026-01', 31, '2026-03-04'],
  ])('%s with %i days of grace from %s on', (month, graceDays, from) => {
    expect(statableFrom(month, graceDays)).toBe(from);
    const first = at(`${from}T00:00:00.000Z`);
    expect(lastStatable(first, graceDays)).toBe(month);
    expect(lastStatable(first - 1, graceDays) < month).toBe(true);
    expect(() => requireStatable(month, { now: first, graceDays })).not.toThrow();
    expect(() => requireStatable(month, { now: first - 1, graceDays })).toThrow(
      expect.objectContaining({ code: 'STATEMENT_TOO_EARLY' }),
    );
  });
});
