/**
 * Whether Kafka answers, asked at most once a second however often the probe comes.
 */
import { messageOf } from '@tally/platform/errors';
import type { Readiness } from '@tally/platform/http';

const CACHED_MS_MAX = 1_000;

/**
 * A readiness check around `ask`, which rejects when Kafka is away. Never rejects itself.
 * @param now milliseconds, any origin
 */
export function kafkaReadiness(ask: () => Promise<unknown>, now: () => number): () => Promise<Readiness> {
  let latest: { at: number; answer: Promise<Readiness> } | undefined;
  return () => {
    if (!latest || now() - latest.at >= CACHED_MS_MAX) {
      const answer = ask().then(
        () => ({ ok: true, detail: 'Kafka answers' }),
        (error: unknown) => ({ ok: false, detail: `Kafka does not answer: ${messageOf(error)}` }),
      );
      latest = { at: now(), answer };
    }
    return latest.answer;
  };
}
