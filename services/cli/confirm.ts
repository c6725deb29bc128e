/**
 * Asks before something that touches many things at once.
 */
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';

/** Without a terminal nobody can be asked: `--yes` is required then, and its absence wrong usage. */
export function requireYes(command: Command, yes: boolean): void {
  if (yes || (process.stdin.isTTY && process.stderr.isTTY)) return;
  command.error('error: without a terminal to ask on, this needs --yes', { exitCode: 2 });
}

/** Whether the person at the terminal says yes. */
export async function confirmed(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
