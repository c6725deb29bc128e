/**
 * Loaded before everything else (entrypoint.sh): process 1 of a container ignores a signal that it has no handler for, and
 * loading a service takes seconds, so a stop that comes meanwhile would wait for the kill. Until the service has a handler
 * of its own, there is nothing in hand: the process just ends.
 */

/** A service has not begun, so nothing is wrong; a command has not done what it was asked for. */
const EXIT = { service: 0, command: { SIGTERM: 143, SIGINT: 130 } } as const;

const isService = process.argv[1]?.endsWith('/main.ts') ?? false;

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (process.listenerCount(signal) === 1) process.exit(isService ? EXIT.service : EXIT.command[signal]);
  });
}
