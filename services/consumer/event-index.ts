/**
 * Step 2's question: which of these event keys are known, and where. One request a batch, whatever its size.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import { CHANNELS, DIRECTIONS } from '@tally/schemas';
import type { KnownKey, KnownKeys } from './first-occurrence.ts';
import { KEY_BYTES } from './hash.ts';

/** RowBinary: key 16, kind 1, position 8, occurred_at 8, channel 1, direction 1, content_hash 8. */
const ROW_BYTES = 43;
const KIND = { interaction: 1, void: 2, suppressed: 3 } as const;

const LOOK_UP = `
  SELECT event_key, kind, position, occurred_at, channel, direction, content_hash
  FROM event_index
  WHERE event_key IN (SELECT event_key FROM asked)
  FORMAT RowBinary`;

/**
 * What the index knows of keys. Unknown ones are absent from the answer.
 * @param keys 16 bytes each, one after the other; any may stand there twice
 */
export async function lookUp(clickhouse: ClickHouse, keys: Buffer): Promise<KnownKeys> {
  if (keys.length === 0) return new Map();
  const asked = { name: 'asked', structure: 'event_key UInt128', rowBinary: keys };
  const answer = await clickhouse.queryWithTable(LOOK_UP, asked, ROW_BYTES);
  return readAnswer(answer);
}

/** Parts not yet merged may hold a row more than once; the smallest position is the first occurrence. */
function readAnswer(answer: Buffer): KnownKeys {
  const known: KnownKeys = new Map();
  for (let at = 0; at < answer.length; at += ROW_BYTES) {
    const name = answer.toString('latin1', at, at + KEY_BYTES);
    const kind = answer.readInt8(at + 16);
    const position = answer.readBigUInt64LE(at + 17);
    const entry: KnownKey = known.get(name) ?? {};
    known.set(name, entry);
    if (kind === KIND.void) {
      if (!entry.void || position < entry.void.position) entry.void = { position };
    } else if (!entry.interaction || position < entry.interaction.position) {
      entry.interaction = {
        position,
        occurredAt: Number(answer.readBigInt64LE(at + 25)),
        channel: CHANNELS[answer.readInt8(at + 33)] ?? 'custom',
        direction: DIRECTIONS[answer.readInt8(at + 34)] ?? 'outbound',
        contentHash: answer.readBigUInt64LE(at + 35),
        suppressed: kind === KIND.suppressed,
      };
    }
  }
  return known;
}
