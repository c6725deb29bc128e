/**
 * What became of one attempt to tell one target of one change.
 */
import type { AlertChange } from '@tally/alerts';
import type { AlertTarget } from './target.ts';

/** What is told: the change as it is stored, and as it reads. */
export interface Message {
  change: AlertChange;
  /** The same byte for byte at every attempt. */
  document: string;
}

export interface Told {
  /** refused: nothing was sent, the address is not allowed. gone: the receiver wants nothing more, ever. */
  outcome: 'delivered' | 'failed' | 'refused' | 'gone';
  /** What HTTP or SMTP answered; 0 where nothing did. */
  status: number;
  /** In words, without secrets. */
  detail: string;
  /** How long the receiver asks to be left alone, milliseconds. */
  retryAfterMs: number;
}

export type Send = (target: AlertTarget, message: Message) => Promise<Told>;

/** Characters of a detail, most of it what a receiver said. */
const DETAIL_CHARS_MAX = 300;
const SECRET_CHARS_MIN = 4;

/** A text from outside as a detail: one line, not long, and the secrets in it blotted out. */
export function detailOf(text: string, secrets: readonly string[] = []): string {
  let plain = text;
  for (const secret of secrets) if (secret.length >= SECRET_CHARS_MIN) plain = plain.replaceAll(secret, '***');
  // Also what may end a line on a terminal, or change what stands there.
  return plain
    .replace(/[\p{C}\p{Z}]+/gu, ' ')
    .trim()
    .slice(0, DETAIL_CHARS_MAX);
}
