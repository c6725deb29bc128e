/**
 * How a service process ends: on SIGTERM or SIGINT in order, when its supervisor is gone (standard input closes) in
 * order as well, and on a bug at once with its reason.
 */
import { messageOf, TallyError } from './errors.ts';
import type { Logger } from './log.ts';

/** Exit codes of service processes. */
export const SERVICE_EXIT = { ok: 0, failed: 1, refused: 3 } as const;

/** How long a service may take to end, unless it says otherwise. Whoever runs it gives it at least that long. */
export const STOP_MS_MAX_DEFAULT = 15_000;

export interface ShutdownOptions {
  log: Logger;
  /** Ends the work in hand; may take `timeoutMs`. */
  stop: () => Promise<void>;
  /** Whether a supervisor holds standard input open; see endWithParent. */
  supervised: boolean;
  /** Default STOP_MS_MAX_DEFAULT. */
  timeoutMs?: number;
}

/** Runs `stop` once, whichever reason comes first, then exits. */
export function onShutdown({ log, stop, supervised, timeoutMs = STOP_MS_MAX_DEFAULT }: ShutdownOptions): void {
  let stopping = false;
  const shutdown = (reason: string): void => {
    if (stopping) return;
    stopping = true;
    log.info({ reason }, 'stopping');
    setTimeout(() => {
      log.error({ timeoutMs }, 'did not stop in time');
      process.exit(SERVICE_EXIT.failed);
    }, timeoutMs).unref();
    stop().then(
      () => process.exit(SERVICE_EXIT.ok),
      (error: unknown) => {
        log.error({ err: error }, 'failed while stopping');
        process.exit(SERVICE_EXIT.failed);
      },
    );
  };
  process.once('SIGTERM', () => shutdown('SIGTERM'));
  process.once('SIGINT', () => shutdown('SIGINT'));
  if (supervised) endWithParent(shutdown);
}

/** A supervised process holds its supervisor's pipe as standard input; the pipe ends when the supervisor does. */
function endWithParent(shutdown: (reason: string) => void): void {
  process.stdin.resume();
  process.stdin.once('end', () => shutdown('the supervisor is gone'));
  process.stdin.once('error', () => shutdown('the supervisor is gone'));
  process.stdin.unref?.();
}

/**
 * Runs a service's main function: an error ends the process with its code. A refusal (not retriable) has an exit code
 * of its own, so that a supervisor can tell "try again" from "a person must look".
 */
export async function runService(log: Logger, main: () => Promise<void>): Promise<void> {
  process.on('unhandledRejection', (error) => fail(log, error));
  process.on('uncaughtException', (error) => fail(log, error));
  await main().catch((error: unknown) => fail(log, error));
}

/** Logs and exits: for errors after which going on would be wrong. */
export function fail(log: Logger, error: unknown): never {
  const refused = error instanceof TallyError && !error.retriable;
  log.fatal({ err: error, code: error instanceof TallyError ? error.code : undefined }, messageOf(error));
  process.exit(refused ? SERVICE_EXIT.refused : SERVICE_EXIT.failed);
}
