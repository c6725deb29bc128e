/**
 * A word with a colour, which says no more than the word.
 */
import type { ReactNode } from 'react';
import { STANDING_WORDS, type Standing, type Tone, toneOf } from '../words/standing.ts';

export function Chip({ tone, children }: { tone: Tone; children: ReactNode }): ReactNode {
  return <span className={`chip ${tone}`}>{children}</span>;
}

export function StandingChip({ standing }: { standing: Standing }): ReactNode {
  return <Chip tone={toneOf(standing)}>{STANDING_WORDS[standing]}</Chip>;
}

const SEVERITY_TONES: Readonly<Record<string, Tone>> = { critical: 'bad', warning: 'warn' };

export function SeverityChip({ severity, children }: { severity: string; children?: ReactNode }): ReactNode {
  return <Chip tone={SEVERITY_TONES[severity] ?? 'calm'}>{children ?? severity}</Chip>;
}
