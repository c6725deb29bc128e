/**
 * The typed client that journey services import. One call per kind of event; the promise resolves when Kafka has it.
 */
import { TallyError } from '@tally/platform/errors';
import {
  checkReplication,
  createKafka,
  KafkaAdmin,
  type KafkaServers,
  type OutgoingRecord,
  type ReplicationWanted,
  Sender,
} from '@tally/platform/kafka';
import { createLog, type Logger } from '@tally/platform/log';
import {
  announcements,
  type Channel,
  type Direction,
  defaultDirection,
  type EntityIdentity,
  encodeRecord,
  faultOf,
  type Identifier,
  type ProfileOperation,
  RECORD_BYTES_MAX,
  recordKey,
  type TallyRecord,
  topicNames,
  topicOf,
} from '@tally/schemas';
import { Batcher, type BatcherLimits } from './batcher.ts';
import { ProducerError } from './errors.ts';

export interface ProducerOptions extends Partial<BatcherLimits>, KafkaServers {
  /** Name of the sending service, as it shows in the brokers' logs. Default `tally-producer`. */
  clientId?: string;
  /** Put in front of every topic's name. Default none. */
  topicPrefix?: string;
  /** How long a record is tried before its call fails, milliseconds, its wait in the buffer included. Default 120,000. */
  deliveryTimeoutMs?: number;
  /** Bytes of one encoded record. Default 262,144. */
  recordBytesMax?: number;
  /** Topics with fewer copies are refused. Default: the smaller of 3 and the number of brokers. */
  replicationFactorMin?: number | undefined;
  log?: Logger;
}

/** What an interaction needs besides its channel. */
export interface InteractionInput extends EntityIdentity {
  /** Your own id of the message or action: the same id is counted once, for ever. 1 to 128 UTF-8 bytes. */
  eventId: string;
  /** When it happened. A number is milliseconds since 1970-01-01 UTC. */
  occurredAt: Date | number;
  journeyId?: string;
  provider?: string;
}

export interface CustomInteractionInput extends InteractionInput {
  /** Default `outbound`. */
  direction?: Direction;
}

export interface VoidInput extends EntityIdentity {
  eventId: string;
  reason: string;
  /** Default now. */
  voidedAt?: Date | number;
}

export interface ProfileInput {
  tenantId: string;
  environmentId: string;
  /** The system the record comes from. */
  source: string;
  recordId: string;
  /** Default `upsert`. */
  operation?: ProfileOperation;
  /** All identifiers the record has now; they replace the earlier ones. */
  identifiers?: Identifier[];
  /** Default now. */
  changedAt?: Date | number;
}

const DEFAULTS = {
  lingerMsMax: 5,
  batchRecordsMax: 5_000,
  batchBytesMax: 512 * 1024,
  bufferedRecordsMax: 20_000,
  waitingCallsMax: 100_000,
  deliveryTimeoutMs: 120_000,
  recordBytesMax: 256 * 1024,
} as const;

/** Room for Kafka's own framing between a record of ours and the topic's limit. */
const FRAMING_BYTES_MAX = 48_576;

/**
 * Sends interactions, voids and profile records to Kafka: idempotent, acks=all, batched, keyed by entity. Every call
 * rejects with a ProducerError whose `retriable` says whether to call again; calling again with the same event id never
 * counts twice.
 */
export class TallyProducer {
  readonly #options: typeof DEFAULTS & ProducerOptions;
  readonly #topics: ReturnType<typeof topicNames>;
  readonly #sender: Sender;
  readonly #batcher: Batcher;
  #announced = false;

  constructor(options: ProducerOptions) {
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
    this.#options = { ...DEFAULTS, ...given } as typeof DEFAULTS & ProducerOptions;
    checkLimits(this.#options);
    const log = options.log ?? createLog('tally-producer', 'warn');
    this.#topics = topicNames(options.topicPrefix);
    const kafka = createKafka({ ...serversOf(options), clientId: options.clientId ?? 'tally-producer', log });
    const { interactions, profiles } = this.#topics;
    this.#sender = new Sender({
      kafka,
      log,
      check: () => checkCopies(kafka, [interactions, profiles], { factorMin: options.replicationFactorMin, log }),
      deliveryTimeoutMs: this.#options.deliveryTimeoutMs,
    });
    this.#batcher = new Batcher(this.#options, (records, since) => this.#send(records, since));
  }

  /**
   * Connects ahead of the first call, so that a wrong address shows at start. Throws a TallyError: not retriable when the
   * brokers do not let this client in (`KAFKA_AUTHENTICATION_FAILED`, …) or the topics have too few copies
   * (`TOPIC_REPLICATION`, `TOPIC_MIN_INSYNC`), retriable when no broker answers.
   */
  connect(): Promise<void> {
    return this.#sender.connect();
  }

  /** An e-mail sent to the entity. */
  email(input: InteractionInput): Promise<void> {
    return this.#interaction('email', input);
  }

  /** A text message sent to the entity. */
  sms(input: InteractionInput): Promise<void> {
    return this.#interaction('sms', input);
  }

  /** A push message sent to the entity. */
  push(input: InteractionInput): Promise<void> {
    return this.#interaction('push', input);
  }

  /** A voice call to the entity. */
  voice(input: InteractionInput): Promise<void> {
    return this.#interaction('voice', input);
  }

  /** A form that the entity submitted; inbound. */
  formSubmission(input: InteractionInput): Promise<void> {
    return this.#interaction('form_submission', input);
  }

  /** A custom channel or another vendor's; outbound unless said otherwise. */
  custom(input: CustomInteractionInput): Promise<void> {
    return this.#interaction('custom', input);
  }

  /** Takes an interaction back; it may arrive before the interaction itself. */
  async void(input: VoidInput): Promise<void> {
    const { voidedAt = Date.now(), eventId, tenantId, environmentId, entityType, entityId, reason } = input;
    return this.send({
      schema: 'InteractionVoided',
      value: { eventId, tenantId, environmentId, entityType, entityId, voidedAt: millis(voidedAt), reason },
    });
  }

  /** The latest state of one source record. */
  async profile(input: ProfileInput): Promise<void> {
    const { operation = 'upsert', identifiers = [], changedAt = Date.now(), ...rest } = input;
    const { tenantId, environmentId, source, recordId } = rest;
    return this.send({
      schema: 'ProfileRecord',
      value: { tenantId, environmentId, source, recordId, operation, identifiers, changedAt: millis(changedAt) },
    });
  }

  /** Sends a record as it is: what the calls above come to, and what the gateway uses. */
  async send(record: TallyRecord): Promise<void> {
    const fault = faultOf(record, Date.now());
    if (fault) {
      throw new ProducerError(`${fault.reason}: ${fault.detail}`, { code: 'RECORD_INVALID', retriable: false });
    }
    const value = this.#encode(record);
    await this.#batcher.add({
      topic: topicOf(this.#topics, record.schema),
      key: Buffer.from(recordKey(record)),
      value,
    });
  }

  /** Records taken and not yet acknowledged. */
  get pending(): number {
    return this.#batcher.pending;
  }

  /** Whether the buffer has no room: a call made now would wait. */
  get full(): boolean {
    return this.#batcher.full;
  }

  /** Resolves when nothing is left to send; under steady traffic that may be never. */
  flush(): Promise<void> {
    return this.#batcher.flush();
  }

  /** Flushes and disconnects; further calls are refused. */
  async close(): Promise<void> {
    await this.#batcher.close();
    await this.#sender.close();
  }

  /** What older consumers cannot know is announced before the first record that they would need it for. */
  async #send(records: OutgoingRecord[], since: number): Promise<void> {
    if (!this.#announced) {
      const { schemas: topic } = this.#topics;
      const schemas = announcements().map((announcement) => ({ topic, ...announcement }));
      if (schemas.length > 0) await this.#sender.send(schemas, since);
      this.#announced = true;
    }
    await this.#sender.send(records, since);
  }

  async #interaction(channel: Channel, input: CustomInteractionInput): Promise<void> {
    const { eventId, tenantId, environmentId, entityType, entityId, occurredAt, journeyId, provider } = input;
    return this.send({
      schema: 'Interaction',
      value: {
        eventId,
        tenantId,
        environmentId,
        entityType,
        entityId,
        channel,
        direction: input.direction ?? defaultDirection(channel),
        occurredAt: millis(occurredAt),
        journeyId: journeyId ?? null,
        provider: provider ?? null,
      },
    });
  }

  #encode(record: TallyRecord): Buffer {
    let value: Buffer;
    try {
      value = encodeRecord(record);
    } catch (cause) {
      throw new ProducerError(`the record does not fit its schema: ${cause instanceof Error ? cause.message : cause}`, {
        code: 'RECORD_INVALID',
        retriable: false,
        cause,
      });
    }
    if (value.length <= this.#options.recordBytesMax) return value;
    throw new ProducerError(`the record has ${value.length} bytes, at most ${this.#options.recordBytesMax} are sent`, {
      code: 'RECORD_TOO_LARGE',
      retriable: false,
    });
  }
}

/** Connects a producer. Throws when no broker answers. */
export async function connectProducer(options: ProducerOptions): Promise<TallyProducer> {
  const producer = new TallyProducer(options);
  await producer.connect();
  return producer;
}

/** Whoever may send need not be allowed to ask for a topic's settings: then the consumer's own check has to do. */
async function checkCopies(
  kafka: ReturnType<typeof createKafka>,
  topics: readonly string[],
  wanted: ReplicationWanted,
): Promise<void> {
  const admin = new KafkaAdmin(kafka);
  try {
    await checkReplication(admin, topics, wanted);
  } catch (error) {
    if (error instanceof TallyError && error.code === 'KAFKA_UNAVAILABLE' && !error.retriable) {
      wanted.log.warn({ err: error }, 'how often records are copied could not be asked');
    } else throw error;
  } finally {
    await admin.close();
  }
}

function serversOf({ brokers, tls, sasl }: ProducerOptions): KafkaServers {
  return { brokers, ...(tls ? { tls } : {}), ...(sasl ? { sasl } : {}) };
}

/** Callers without types may pass anything: that is told as every other fault of a record. */
function millis(time: unknown): number {
  if (typeof time === 'number') return time;
  if (time instanceof Date) return time.getTime();
  throw new ProducerError('a time must be a Date or milliseconds since 1970-01-01 UTC', {
    code: 'RECORD_INVALID',
    retriable: false,
  });
}

function checkLimits(limits: typeof DEFAULTS & ProducerOptions): void {
  const bytesMax = RECORD_BYTES_MAX - FRAMING_BYTES_MAX;
  const bounds: Record<keyof typeof DEFAULTS, [min: number, max: number]> = {
    lingerMsMax: [0, 60_000],
    batchRecordsMax: [1, 1_000_000],
    batchBytesMax: [1, bytesMax],
    bufferedRecordsMax: [1, 10_000_000],
    waitingCallsMax: [0, 100_000_000],
    deliveryTimeoutMs: [1, Number.POSITIVE_INFINITY],
    recordBytesMax: [1, bytesMax],
  };
  const faults = Object.entries(bounds)
    .filter(
      ([name, [min, max]]) =>
        !(limits[name as keyof typeof DEFAULTS] >= min && limits[name as keyof typeof DEFAULTS] <= max),
    )
    .map(([name, [min, max]]) => `${name} must be from ${min} to ${max}`);
  if (faults.length === 0) return;
  throw new TallyError(faults.join('; '), { code: 'CONFIG_INVALID', retriable: false });
}
