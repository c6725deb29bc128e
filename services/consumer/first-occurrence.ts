/**
 * Step 2: first occurrence or not. Pure: from the events of a batch and what the index knows of their keys to one
 * outcome each. The rule, for an event at position p:
 *
 *   - its key is known at a smaller position: a duplicate, or a conflict when the content differs;
 *   - else a void of it is known at a smaller position: suppressed;
 *   - else it counts. Known at its own position only means that this batch was written before.
 */
import type { Channel, Direction } from '@tally/schemas';

/** An event as far as its outcome depends on it. */
export type Occurrence = { position: bigint; eventKey: Buffer } & (
  | { kind: 'interaction'; value: { occurredAt: number; channel: Channel; direction: Direction }; contentHash: bigint }
  | { kind: 'void' }
);

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

export interface Decision {
  outcome: Outcome;
  /** For a void: the counted interaction it takes back, if that came first. */
  takesBack?: KnownInteraction;
}

/** The name of a key in `KnownKeys`. */
export function keyName(key: Buffer): string {
  return key.toString('latin1');
}

/**
 * Decides one event. Those of one key must come in the order of their positions.
 * @param known what is known so far; it is extended by what this event adds
 */
export function decide(event: Occurrence, known: KnownKeys): Decision {
  const name = keyName(event.eventKey);
  let entry = known.get(name);
  if (!entry) {
    entry = {};
    known.set(name, entry);
  }
  return event.kind === 'void' ? decideVoid(event, entry) : decideInteraction(event, entry);
}

function decideInteraction(event: Occurrence & { kind: 'interaction' }, entry: KnownKey): Decision {
  const first = entry.interaction;
  if (first && first.position < event.position) {
    return { outcome: first.contentHash === event.contentHash ? 'duplicate' : 'conflicting' };
  }
  const suppressed = entry.void !== undefined && entry.void.position < event.position;
  const { occurredAt, channel, direction } = event.value;
  const { position, contentHash } = event;
  entry.interaction = { position, occurredAt, channel, direction, contentHash, suppressed };
  return { outcome: suppressed ? 'suppressed' : 'counted' };
}

function decideVoid(event: Occurrence & { kind: 'void' }, entry: KnownKey): Decision {
  if (entry.void && entry.void.position < event.position) return { outcome: 'duplicate' };
  entry.void = { position: event.position };
  const { interaction } = entry;
  const takesBack = interaction && !interaction.suppressed && interaction.position < event.position;
  return { outcome: 'void', ...(takesBack ? { takesBack: interaction } : {}) };
}
