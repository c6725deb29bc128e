/**
 * `tally …`: see program.ts. Exit codes: 0 done, 1 a figure differs or the work failed, 2 wrong usage,
 * 10 to 21 the embedded stack cannot start (see infra/local/errors.ts).
 */
import { LocalStackError } from '@tally/local';
import { messageOf, TallyError } from '@tally/platform/errors';
import { CommanderError } from 'commander';
import { tallyProgram } from './program.ts';

const EXIT = { failed: 1, usage: 2 } as const;

// kafkajs asks for timers in the past; Node corrects them to 1 ms and warns, which helps nobody.
process.removeAllListeners('warning');
process.on('warning', (warning) => {
  if (warning.name !== 'TimeoutNegativeWarning') process.stderr.write(`${warning.name}: ${warning.message}\n`);
});

// `tally … | head` reads no further than it wants. The work goes on all the same: a command in the middle of a change would
// leave it half made.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

try {
  const program = await tallyProgram(process.argv[2]);
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT.usage;
  const code = error instanceof LocalStackError || error instanceof TallyError ? ` [${error.code}]` : '';
  process.stderr.write(`tally: ${messageOf(error)}${code}\n`);
  return error instanceof LocalStackError ? error.exitCode : EXIT.failed;
}
