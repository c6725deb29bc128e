/**
 * The seeded stream of everything that is sent: 14 calendar months of several tenants' journeys.
 */
import { TallyError } from '@tally/platform/errors';
import { OCCURRED_AT_MIN } from '@tally/schemas';
import { DAY_MS, dayOf, firstDayOf, monthOf } from './calendar.ts';
import { Interactions, type Span } from './interactions.ts';
import { Population } from './population.ts';
import { Profiles } from './profiles.ts';
import { Random } from './random.ts';
import { refusedRequest } from './refused.ts';
import type { Send } from './sends.ts';
import { Traffic } from './traffic.ts';

export interface GenerateOptions {
  /** Any safe integer. The same options give the same sends, byte for byte. */
  seed: number;
  /** Sends to the interactions topic: interactions, duplicates, voids, malformed. The others come on top. */
  events: number;
  /** End of the simulated time, UTC, inclusive. Nothing valid lies after it; past the senders' clock it is refused. */
  until: Date;
  /** Default 5. */
  tenants?: number;
}

const MONTHS = 14;
const TENANTS_DEFAULT = 5;
const TENANTS_MAX = 10_000;
/** Above the sends to the interactions topic. */
const PROFILE_RECORDS_PER_EVENT = 1 / 8;
const REFUSED_PER_EVENT = 0.001;

/**
 * Generates the sends lazily, in the order in which they are to be sent: about one profile record for 8 events, and one
 * request to be refused for 1,000, come on top of `events`. Throws TallyError `OPTIONS_INVALID` on the first step when an
 * option makes no sense.
 */
export function* generateSends(options: GenerateOptions): Generator<Send, void, undefined> {
  const { seed, events } = options;
  const span = spanOf(options);
  const population = new Population(new Random(seed, 0), { tenants: options.tenants ?? TENANTS_DEFAULT, events });
  const interactions = new Interactions({ random: new Random(seed, 1), population, span });
  const traffic = new Traffic({ random: new Random(seed, 2), interactions, start: span.start });
  const profiles = new Profiles({ random: new Random(seed, 3), population });
  const extras = new Random(seed, 4);
  let refused = 0;
  for (let index = 0; index < events; index++) {
    const now = span.start + Math.floor(((span.until - span.start) * (index + 1)) / events);
    yield traffic.next(now, index);
    if (extras.chance(PROFILE_RECORDS_PER_EVENT)) yield profiles.next(now);
    if (extras.chance(REFUSED_PER_EVENT)) yield refusedRequest(refused++, interactions.next(now));
  }
}

function spanOf({ seed, events, until, tenants = TENANTS_DEFAULT }: GenerateOptions): Span {
  const end = until.getTime();
  if (!Number.isSafeInteger(seed)) throw invalid('seed must be a safe integer');
  if (!Number.isSafeInteger(events) || events < 0) throw invalid('events must be a whole number, 0 or more');
  if (!Number.isSafeInteger(tenants) || tenants < 1 || tenants > TENANTS_MAX) {
    throw invalid(`tenants must be a whole number from 1 to ${TENANTS_MAX}`);
  }
  if (Number.isNaN(end)) throw invalid('until is not a time');
  const start = firstDayOf(monthOf(dayOf(end)) - MONTHS + 1) * DAY_MS;
  if (start < OCCURRED_AT_MIN) throw invalid('until must lie 14 months after the earliest time that counts, or later');
  return { start, until: end };
}

function invalid(message: string): TallyError {
  return new TallyError(message, { code: 'OPTIONS_INVALID', retriable: false });
}
