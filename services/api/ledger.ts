/**
 * The ledger over HTTP. It compares what is recorded with the broker, so without Kafka there is no answer.
 */
import { type LedgerSources, ledger } from '@tally/figures';
import { TallyError } from '@tally/platform/errors';
import { type FastifyInstance, Problem } from '@tally/platform/http';

const RETRY_AFTER_SECONDS = 5;

/** What may be wrong with the broker's side, by the error's code, in words for the caller. */
const KAFKA_FAULTS: Readonly<Record<string, string>> = {
  KAFKA_UNAVAILABLE: 'the ledger is held against Kafka, which does not answer; try again',
  TOPIC_MISSING: 'the ledger is held against Kafka, which has no such topic: run `tally migrate`',
};

export function addLedgerRoute(app: FastifyInstance, sources: LedgerSources): void {
  app.get('/v1/ledger', async () => {
    try {
      return await ledger(sources);
    } catch (cause) {
      const detail = cause instanceof TallyError ? KAFKA_FAULTS[cause.code] : undefined;
      if (detail === undefined) throw cause;
      throw new Problem({
        status: 503,
        code: 'kafka-unavailable',
        title: 'Kafka is not available',
        detail,
        headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
        cause,
      });
    }
  });
}
