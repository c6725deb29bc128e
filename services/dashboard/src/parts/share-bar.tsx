/**
 * How much of a quota is used: a bar with marks at 80, 90 and 100 %. What is over stands out beyond the last mark.
 */
import type { ReactNode } from 'react';
import { MARKS, type Standing, toneOf } from '../words/standing.ts';
import { words } from '../words/words.ts';

/** The bar's end where nothing is over it. */
const END = 1.1;
const PERCENT = 100;

export function ShareBar({
  share,
  standing,
  label,
}: {
  share: number | null;
  standing: Standing;
  label: string;
}): ReactNode {
  const end = Math.max(END, share ?? 0);
  const at = (part: number): string => `${(part / end) * PERCENT}%`;
  const within = Math.min(share ?? 0, 1);
  const over = Math.max(0, (share ?? 0) - 1);
  const text = share === null ? `${label}: nothing owned` : `${label}: ${words.percent(share)} used`;
  return (
    <svg className={`share-bar ${toneOf(standing)}`} role="img" aria-label={text}>
      <rect className="track" width="100%" height="100%" rx="3" />
      <rect className="within" width={at(within)} height="100%" rx="3" />
      {over > 0 && <rect className="over" x={at(1)} width={at(over)} height="100%" />}
      {MARKS.map((mark) => (
        <line key={mark} className={mark === 1 ? 'mark whole' : 'mark'} x1={at(mark)} x2={at(mark)} y1="0" y2="100%" />
      ))}
    </svg>
  );
}

/** A part of a whole that nothing limits. */
export function PlainBar({ share }: { share: number }): ReactNode {
  return (
    <svg className="plain-bar" aria-hidden="true">
      <rect width={`${share * PERCENT}%`} height="100%" rx="2" />
    </svg>
  );
}
