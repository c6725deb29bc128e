/**
 * All that is asked of the logs before the first record is read, and again and again while records are.
 */
import { TallyError } from '@tally/platform/errors';
import { checkReplication } from '@tally/platform/kafka';
import type { Logger } from '@tally/platform/log';
import type { Topics } from '@tally/schemas';
import { type IdentitySources, replacedPlace } from './log-identity.ts';
import { checkLog, type MeteredLog } from './logs.ts';

export interface LogChecks extends IdentitySources {
  logs: { interactions: MeteredLog; profiles: MeteredLog };
  groupId: string;
}

export interface StartChecks extends LogChecks {
  log: Logger;
  topics: Topics;
  /** `TALLY_REPLICATION_FACTOR_MIN` */
  factorMin: number | undefined;
}

/** Throws a TallyError that is not retriable when a log is not what it was; see logs.ts and log-identity.ts. */
export async function checkLogsAtStart(checks: StartChecks): Promise<void> {
  const { interactions, profiles, deadLetters, statements } = checks.topics;
  // What is refused or stated is nowhere else either.
  await checkReplication(checks.admin, [interactions, profiles, deadLetters, statements], checks);
  for (const log of Object.values(checks.logs)) await checkLog(log, checks);
  await checkReplaced(checks);
}

/** Throws `LOG_REPLACED` where the log has another record than the one that was counted there. */
export async function checkReplaced(checks: LogChecks): Promise<void> {
  for (const kind of ['interactions', 'profiles'] as const) {
    const place = await replacedPlace(checks, checks.logs[kind], kind);
    if (!place) continue;
    throw new TallyError(
      `${place.topic}/${place.partition} holds another record at offset ${place.offset} than the one that was counted there: the topic was recreated or restored. \`tally log open --topic ${place.topic} --afresh --because REASON\` goes on with it as a new log`,
      { code: 'LOG_REPLACED', retriable: false },
    );
  }
}

export interface WatchOptions extends LogChecks {
  intervalMs: number;
  log: Logger;
  /** Told when a log is not what it was; the consumer must not go on. */
  onRefused: (error: TallyError) => void;
}

/** Checks the logs every `intervalMs`, one check at a time, until the returned function is called. */
export function watchLogs({ intervalMs, log, onRefused, ...checks }: WatchOptions): () => void {
  let checking = false;
  const check = async (): Promise<void> => {
    if (checking) return;
    checking = true;
    try {
      for (const metered of Object.values(checks.logs)) await checkLog(metered, checks);
    } catch (err) {
      if (err instanceof TallyError && !err.retriable) onRefused(err);
      else log.warn({ err }, 'the logs could not be checked, the next check takes over');
    } finally {
      checking = false;
    }
  };
  const timer = setInterval(check, intervalMs);
  return () => clearInterval(timer);
}
