/**
 * Step 2: first occurrence or not. Pure: from the events of a batch and what the index knows of their keys to one
 * outcome each. The rule, for an event at position p:
 *
 *   - its key is known at a smaller position: a duplicate, or a conflict when the content differs;
 *   - else a void of it is known at a smaller position: suppressed;
 *   - else it counts. Known at its own position only means that this batch was written before.
 */
import type { Channel, Direction } from '@tally/schemas';
import type { LogEvent } from './decode.ts';

/** An interaction as the index has it. */
export interface KnownInteraction {
  position: bigint;
  occurredAt: number;
  channel: Channel;
  direction: Direction;
  contentHash: bigint;
  /** Its void came first; it never counted. */
  suppressed: boolean;
}

/** What is known under one event key. */
export interface KnownKey {
  interaction?: KnownInteraction;
  void?: { position: bigint };
}

/** Known keys by their 16 bytes as latin1 text. */
export type KnownKeys = Map<string, KnownKey>;

export type Outcome = 'counted' | 'duplicate' | 'conflicting' | 'void' | 'suppressed';

export interface Decided {
  event: LogEvent;
  outcome: Outcome;
  /** For a void: the counted interaction it takes back, if that came first. */
  takesBack?: KnownInteraction;
}

/** The name of a key in `KnownKeys`. */
export function keyName(key: Buffer): string {
  return key.toString('latin1');
}

/**
 * Decides a batch. Events of one key must come in the order of their positions.
 * @param known what the index has; it is extended by what this batch adds
 */
export function decide(events: readonly LogEvent[], known: KnownKeys): Decided[] {
  return events.map((event) => {
    const name = keyName(event.eventKey);
    let entry = known.get(name);
    if (!entry) {
      entry = {};
      known.set(name, entry);
    }
    return event.kind === 'void' ? decideVoid(event, entry) : decideInteraction(event, entry);
  });
}

function decideInteraction(event: LogEvent & { kind: 'interaction' }, entry: KnownKey): Decided {
  const first = entry.interaction;
  if (first && first.position < event.position) {
    return { event, outcome: first.contentHash === event.contentHash ? 'duplicate' : 'conflicting' };
  }
  const suppressed = entry.void !== undefined && entry.void.position < event.position;
  entry.interaction = {
    position: event.position,
    occurredAt: event.value.occurredAt,
    channel: event.value.channel,
    direction: event.value.direction,
    contentHash: event.contentHash,
    suppressed,
  };
  return { event, outcome: suppressed ? 'suppressed' : 'counted' };
}

function decideVoid(event: LogEvent & { kind: 'void' }, entry: KnownKey): Decided {
  if (entry.void && entry.void.position < event.position) return { event, outcome: 'duplicate' };
  entry.void = { position: event.position };
  const { interaction } = entry;
  const takesBack = interaction && !interaction.suppressed && interaction.position < event.position;
  return { event, outcome: 'void', ...(takesBack ? { takesBack: interaction } : {}) };
}
