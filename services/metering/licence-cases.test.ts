import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { monthOf } from './calendar.ts';
import { entitlementsOn, interactionAllowance } from './entitlements.ts';
import { licenceLinesOf } from './licence-lines.ts';

interface QuotaCase {
  name: string;
  licences: unknown[];
  expect: { on: string; engagedPeople: number; interactionsInMonth: number }[];
}

const cases = JSON.parse(readFileSync(new URL('../../test/cases/quotas.json', import.meta.url), 'utf8')) as QuotaCase[];

describe('worked cases of licences', () => {
  it.each(cases)('$name', ({ licences, expect: expectations }) => {
    const checked = licenceLinesOf(licences);
    if (!checked.ok) return expect.fail(JSON.stringify(checked.faults));
    expect(expectations.length).toBeGreaterThan(0);
    for (const { on, interactionsInMonth, ...owned } of expectations) {
      expect({ on, ...entitlementsOn(checked.lines, on) }).toEqual({ on, ...owned });
      expect(interactionAllowance(checked.lines, monthOf(on))).toBe(interactionsInMonth);
    }
  });
});
