/**
 * Step 3's rows: one a log position, kept column by column as the bytes of a Native block for table `ingest`. A row's
 * outcome is written in when it is decided.
 */
import { type NativeColumn, nativeBlock, TextColumn } from '@tally/platform/clickhouse';
import { CHANNELS, DIRECTIONS, ENTITY_TYPES } from '@tally/schemas';
import type { LogEvent, Place } from './decode.ts';
import type { KnownInteraction, Occurrence, Outcome } from './first-occurrence.ts';
import { CONTENT_HASH_BYTES, KEY_BYTES } from './hash.ts';
import type { InteractionReader } from './interaction-reader.ts';
import { OUTCOME, type RecordedOutcome } from './outcome.ts';

/** What a row holds. */
export const ROW_KIND = { interaction: 0, void: 1, empty: 2 } as const;

const ROWS_FIRST = 64;
const TWO_TO_32 = 2 ** 32;

/** Values of a fixed width, with room for more rows than there are. */
class FixedColumn {
  readonly width: number;
  bytes = new Uint8Array(0);
  /** The same bytes. */
  words = new Int32Array(0);

  constructor(width: number) {
    this.width = width;
  }

  grow(rows: number): void {
    const larger = new Uint8Array(rows * this.width);
    larger.set(this.bytes);
    this.bytes = larger;
    this.words = new Int32Array(larger.buffer, 0, larger.length >>> 2);
  }

  /** Takes the first bytes of a value. */
  set(row: number, value: Uint8Array): void {
    const at = row * this.width;
    for (let byte = 0; byte < this.width; byte++) this.bytes[at + byte] = value[byte] ?? 0;
  }

  /** A whole number of up to 53 bits, as one of 64. */
  setNumber(row: number, value: number): void {
    this.words[2 * row] = value | 0;
    this.words[2 * row + 1] = Math.floor(value / TWO_TO_32);
  }

  number(row: number): number {
    return (this.words[2 * row + 1] ?? 0) * TWO_TO_32 + ((this.words[2 * row] ?? 0) >>> 0);
  }

  setBigInt(row: number, value: bigint): void {
    this.words[2 * row] = Number(BigInt.asIntN(32, value));
    this.words[2 * row + 1] = Number(BigInt.asIntN(32, value >> 32n));
  }

  bigint(row: number): bigint {
    const [low, high] = [this.words[2 * row] ?? 0, this.words[2 * row + 1] ?? 0];
    return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  }

  data(rows: number): Uint8Array {
    return this.bytes.subarray(0, rows * this.width);
  }
}

const CHANNEL_TYPE = enumOf(CHANNELS);
const DIRECTION_TYPE = enumOf(DIRECTIONS);
const TYPES = {
  outcome: `Enum8(${Object.entries(OUTCOME)
    .map(([name, number]) => `'${name}' = ${number}`)
    .join(', ')})`,
  entityType: enumOf(ENTITY_TYPES),
};

/** The columns of one insert. Not to be changed any more once `bytes` was called. */
export class EventColumns {
  #rows = 0;
  #capacity = 0;
  #kinds = new Uint8Array(0);
  readonly #position = new FixedColumn(8);
  readonly #outcome = new FixedColumn(1);
  readonly #entityType = new FixedColumn(1);
  readonly #entityKey = new FixedColumn(KEY_BYTES);
  readonly #eventKey = new FixedColumn(KEY_BYTES);
  readonly #channel = new FixedColumn(1);
  readonly #direction = new FixedColumn(1);
  readonly #occurredAt = new FixedColumn(8);
  readonly #contentHash = new FixedColumn(CONTENT_HASH_BYTES);
  readonly #takenBack = new FixedColumn(8);
  readonly #voidedAt = new FixedColumn(8);
  readonly #tenantId = new TextColumn();
  readonly #environmentId = new TextColumn();
  readonly #entityId = new TextColumn();
  readonly #eventId = new TextColumn();
  readonly #journeyId = new TextColumn();
  readonly #provider = new TextColumn();
  readonly #voidReason = new TextColumn();

  get rows(): number {
    return this.#rows;
  }

  /** One of `ROW_KIND` a row. */
  get kinds(): Uint8Array {
    return this.#kinds;
  }

  /** 16 bytes a row, zeros where it is empty. */
  get eventKeys(): Uint8Array {
    return this.#eventKey.data(this.#rows);
  }

  /** The interaction that a reader has just read. */
  append(read: InteractionReader, place: Place, offset: number): void {
    const row = this.#newRow(ROW_KIND.interaction, place, offset);
    const { source } = read;
    this.#tenantId.append(source, read.tenantId, read.tenantIdEnd);
    this.#environmentId.append(source, read.environmentId, read.environmentIdEnd);
    this.#entityId.append(source, read.entityId, read.entityIdEnd);
    this.#eventId.append(source, read.eventId, read.eventIdEnd);
    this.#journeyId.append(source, read.journeyId, read.journeyIdEnd);
    this.#provider.append(source, read.provider, read.providerEnd);
    this.#voidReason.appendEmpty();
    this.#entityType.bytes[row] = read.entityType;
    this.#entityKey.set(row, read.entityKey);
    this.#eventKey.set(row, read.eventKey);
    this.#channel.bytes[row] = read.channel;
    this.#direction.bytes[row] = read.direction;
    this.#occurredAt.setNumber(row, read.occurredAt);
    this.#contentHash.words[2 * row] = read.contentLow;
    this.#contentHash.words[2 * row + 1] = read.contentHigh;
  }

  /** An event that was decoded into an object. */
  appendDecoded(event: LogEvent, place: Place, offset: number): void {
    const { kind, value } = event;
    const row = this.#newRow(ROW_KIND[kind], place, offset);
    this.#tenantId.appendText(value.tenantId);
    this.#environmentId.appendText(value.environmentId);
    this.#entityId.appendText(value.entityId);
    this.#eventId.appendText(value.eventId);
    this.#entityType.bytes[row] = ENTITY_TYPES.indexOf(value.entityType);
    this.#entityKey.set(row, event.entityKey);
    this.#eventKey.set(row, event.eventKey);
    if (event.kind === 'void') {
      this.#journeyId.appendEmpty();
      this.#provider.appendEmpty();
      this.#voidReason.appendText(event.value.reason);
      this.#voidedAt.setNumber(row, event.value.voidedAt);
    } else {
      this.#journeyId.appendText(event.value.journeyId ?? '');
      this.#provider.appendText(event.value.provider ?? '');
      this.#voidReason.appendEmpty();
      this.#setContent(row, { ...event.value, contentHash: event.contentHash });
    }
  }

  /** A position that holds nothing to count. */
  appendEmpty(outcome: 'dead-letter' | 'control', place: Pick<Place, 'epoch' | 'partition'>, offset: number): void {
    const row = this.#newRow(ROW_KIND.empty, place, offset);
    this.#outcome.bytes[row] = OUTCOME[outcome];
    for (const { column } of this.#texts()) column.appendEmpty();
  }

  position(row: number): bigint {
    return this.#position.bigint(row);
  }

  /** What first-occurrence.ts asks of a row's event. */
  occurrence(row: number): Occurrence {
    const eventKey = Buffer.from(this.#eventKey.bytes.subarray(row * KEY_BYTES, (row + 1) * KEY_BYTES));
    const position = this.position(row);
    if (this.#kinds[row] === ROW_KIND.void) return { kind: 'void', position, eventKey };
    const value = {
      occurredAt: this.#occurredAt.number(row),
      channel: CHANNELS[this.#channel.bytes[row] ?? 0] ?? 'custom',
      direction: DIRECTIONS[this.#direction.bytes[row] ?? 0] ?? 'outbound',
    };
    return { kind: 'interaction', position, eventKey, value, contentHash: this.#contentHash.bigint(row) };
  }

  /** Writes down what becomes of a row, and what a void takes back. */
  decide(row: number, outcome: Outcome, takesBack?: KnownInteraction): void {
    this.#outcome.bytes[row] = OUTCOME[outcome];
    if (!takesBack) return;
    this.#setContent(row, takesBack);
    this.#takenBack.setBigInt(row, takesBack.position);
  }

  /** By its number in `OUTCOME`; 0 as long as it is not decided. */
  outcome(row: number): number {
    return this.#outcome.bytes[row] ?? 0;
  }

  /** The position that a void's row takes back; 0 where it takes none back. */
  takenBack(row: number): bigint {
    return this.#takenBack.bigint(row);
  }

  /** How many rows have each outcome. */
  outcomes(): Map<RecordedOutcome, number> {
    const counts = new Uint32Array(256);
    for (const outcome of this.#outcome.data(this.#rows)) counts[outcome] = (counts[outcome] ?? 0) + 1;
    const names = Object.entries(OUTCOME) as [RecordedOutcome, number][];
    return new Map(names.map(([name, number]) => [name, counts[number] ?? 0]));
  }

  /** The rows as a Native block of table `ingest`, in pieces. */
  bytes(): Uint8Array[] {
    const fixed = (name: string, type: string, column: FixedColumn): NativeColumn => ({
      name,
      type,
      data: column.data(this.#rows),
    });
    return nativeBlock(this.#rows, [
      fixed('position', 'UInt64', this.#position),
      fixed('outcome', TYPES.outcome, this.#outcome),
      ...this.#texts().map(({ name, column }) => ({ name, type: 'String', data: column.data })),
      fixed('entity_type', TYPES.entityType, this.#entityType),
      fixed('entity_key', 'UInt128', this.#entityKey),
      fixed('event_key', 'UInt128', this.#eventKey),
      fixed('channel', CHANNEL_TYPE, this.#channel),
      fixed('direction', DIRECTION_TYPE, this.#direction),
      fixed('occurred_at', "DateTime64(3, 'UTC')", this.#occurredAt),
      fixed('content_hash', 'UInt64', this.#contentHash),
      fixed('taken_back_position', 'UInt64', this.#takenBack),
      fixed('voided_at', 'Int64', this.#voidedAt),
    ]);
  }

  #setContent(
    row: number,
    {
      channel,
      direction,
      occurredAt,
      contentHash,
    }: Pick<KnownInteraction, 'channel' | 'direction' | 'occurredAt' | 'contentHash'>,
  ): void {
    this.#channel.bytes[row] = CHANNELS.indexOf(channel);
    this.#direction.bytes[row] = DIRECTIONS.indexOf(direction);
    this.#occurredAt.setNumber(row, occurredAt);
    this.#contentHash.setBigInt(row, contentHash);
  }

  #newRow(kind: number, { epoch, partition }: Pick<Place, 'epoch' | 'partition'>, offset: number): number {
    if (this.#rows === this.#capacity) this.#grow();
    const row = this.#rows++;
    this.#kinds[row] = kind;
    // positionOf, without a BigInt an event
    this.#position.words[2 * row] = offset | 0;
    this.#position.words[2 * row + 1] = (epoch << 24) | (partition << 8) | Math.floor(offset / TWO_TO_32);
    return row;
  }

  #grow(): void {
    this.#capacity = Math.max(ROWS_FIRST, this.#capacity * 2);
    const kinds = new Uint8Array(this.#capacity);
    kinds.set(this.#kinds);
    this.#kinds = kinds;
    const columns = [this.#position, this.#outcome, this.#entityType, this.#entityKey, this.#eventKey, this.#channel];
    columns.push(this.#direction, this.#occurredAt, this.#contentHash, this.#takenBack, this.#voidedAt);
    for (const column of columns) column.grow(this.#capacity);
  }

  #texts(): { name: string; column: TextColumn }[] {
    return [
      { name: 'tenant_id', column: this.#tenantId },
      { name: 'environment_id', column: this.#environmentId },
      { name: 'entity_id', column: this.#entityId },
      { name: 'event_id', column: this.#eventId },
      { name: 'journey_id', column: this.#journeyId },
      { name: 'provider', column: this.#provider },
      { name: 'void_reason', column: this.#voidReason },
    ];
  }
}

function enumOf(names: readonly string[]): string {
  return `Enum8(${names.map((name, number) => `'${name}' = ${number}`).join(', ')})`;
}
