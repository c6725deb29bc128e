import { describe, expect, it } from 'vitest';
import { named, wordsIn } from './words.ts';

const english = wordsIn(['en-GB'], 'America/New_York');
const german = wordsIn(['de-DE'], 'Asia/Tokyo');

describe('words', () => {
  it('tells numbers as the reader writes them', () => {
    expect(english.count(1_234_567)).toBe('1,234,567');
    expect(german.count(1_234_567)).toBe('1.234.567');
  });

  it.each([
    [0, '0%'],
    [0.000_01, '0.1%'],
    [0.842, '84.2%'],
    [0.999_99, '99.9%'],
    [1, '100%'],
    [1.000_01, '100.1%'],
    [1.141, '114.1%'],
  ])('says of a share of %d that it is %s: what is not over does not look it', (share, text) => {
    expect(english.percent(share)).toBe(text);
  });

  it('tells days and months in UTC, wherever the reader is', () => {
    expect(english.day('2026-03-01')).toBe('1 Mar 2026');
    expect(german.day('2026-03-01')).toBe('1. März 2026');
    expect(english.month('2026-01')).toBe('January 2026');
  });

  it('tells moments in the reader’s time zone, and names it', () => {
    expect(english.moment('2026-03-01T02:00:00Z')).toMatch(/^28 Feb 2026, 21:00 (EST|GMT-5)$/);
  });

  it.each([
    [4_000, '4 seconds ago'],
    [125_000, '2 minutes ago'],
    [7_200_000, '2 hours ago'],
    [3 * 86_400_000, '3 days ago'],
  ])('says of %d ms that it was %s', (ms, text) => {
    expect(english.ago(ms)).toBe(text);
  });

  it('has a name for a code it does not know', () => {
    expect([named('sms'), named('some-new_code')]).toEqual(['SMS', 'Some new code']);
  });
});
