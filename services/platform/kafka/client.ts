/**
 * The one place that makes a Kafka client. Only this folder imports kafkajs.
 */
import kafkajs, {
  type Admin,
  type AdminConfig,
  type Consumer,
  type ConsumerConfig,
  type Kafka,
  type KafkaConfig,
  type LogEntry,
  type Producer,
  type ProducerConfig,
} from 'kafkajs';
import { TallyError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { refusedAccess, socketCode, whoMustBeSaid, whyNotLetIn } from './access.ts';
import { codecs } from './codecs.ts';
import { connectionOf, type KafkaServers } from './servers.ts';

// kafkajs is CommonJS; Node finds only some of its names for a named import.
const {
  CompressionCodecs,
  Kafka: KafkaClient,
  KafkaJSDeleteGroupsError,
  KafkaJSError,
  KafkaJSGroupCoordinatorNotFound,
  logLevel,
} = kafkajs;

Object.assign(CompressionCodecs, codecs);

export interface KafkaOptions extends KafkaServers {
  clientId: string;
  log: Logger;
  /** How long a request may take, milliseconds. Default 30,000. */
  requestTimeoutMs?: number;
  /** Tries of the client's own calls (metadata, coordinator look-ups) before they fail. Default 5. */
  retries?: number;
}

/** A client; it connects when it is first used. */
export function createKafka({
  clientId,
  log,
  requestTimeoutMs = 30_000,
  retries = 5,
  ...servers
}: KafkaOptions): Kafka {
  return new TellingKafka(servers, {
    ...connectionOf(servers),
    clientId,
    connectionTimeout: 3_000,
    requestTimeout: requestTimeoutMs,
    enforceRequestTimeout: true,
    retry: { retries, initialRetryTime: 100, maxRetryTime: 5_000 },
    logLevel: logLevel.WARN,
    logCreator: () => toPino(log),
  });
}

/** Its clients say why they are not let in, where that can be found out. */
class TellingKafka extends KafkaClient {
  readonly #servers: KafkaServers;
  /** Asked once. */
  #said: Promise<TallyError | undefined> | undefined;

  constructor(servers: KafkaServers, config: KafkaConfig) {
    super(config);
    this.#servers = servers;
  }

  override admin(config?: AdminConfig): Admin {
    return this.#telling(super.admin(config));
  }

  override producer(config?: ProducerConfig): Producer {
    return this.#telling(super.producer(config));
  }

  override consumer(config: ConsumerConfig): Consumer {
    return this.#telling(super.consumer(config));
  }

  #telling<Client extends { connect: () => Promise<void>; disconnect: () => Promise<void> }>(client: Client): Client {
    const connect = async (): Promise<void> => {
      try {
        await client.connect();
        this.#said ??= whoMustBeSaid(this.#servers);
        const refused = await this.#said;
        if (refused) {
          await client.disconnect();
          throw refused;
        }
      } catch (error) {
        if (error instanceof TallyError || refusedAccess(firstCause(error)) || isNobodyThere(firstCause(error)))
          throw error;
        throw (await whyNotLetIn(this.#servers)) ?? error;
      }
    };
    return { ...client, connect };
  }
}

function isNobodyThere(error: unknown): boolean {
  const code = socketCode(error);
  return code === 'ECONNREFUSED' || code === 'ENOTFOUND';
}

/**
 * kafkajs reports every failed try as an error of its own. What comes of it in the end is thrown, and the caller decides
 * what that means; so its errors are warnings here and its warnings are for whoever looks closely.
 */
function toPino(log: Logger): (entry: LogEntry) => void {
  return ({ level, namespace, log: { message, timestamp: _timestamp, logger: _logger, stack: _stack, ...fields } }) =>
    log[level === logLevel.ERROR ? 'warn' : 'debug']({ kafkajs: { namespace, message, ...fields } }, 'kafka client');
}

/**
 * An infrastructure error, whether it came from kafkajs or not. Whether to try again is asked of the first cause: when
 * kafkajs gives up its own retries it says "not retriable" of an error that is. A client that is not let in has a code of
 * its own (access.ts).
 */
export function kafkaError(message: string, cause: unknown): TallyError {
  const first = firstCause(cause);
  const said = first instanceof TallyError ? first : refusedAccess(first);
  if (said && !said.retriable) return new TallyError(said.message, { code: said.code, retriable: false, cause });
  return new TallyError(message, { code: 'KAFKA_UNAVAILABLE', retriable: isRetriable(first), cause });
}

/** What an error of kafkajs came from in the end. */
export function firstCause(error: unknown): unknown {
  return error instanceof KafkaJSError && error.cause instanceof Error ? firstCause(error.cause) : error;
}

function isRetriable(error: unknown): boolean {
  if (error instanceof TallyError) return error.retriable;
  if (!(error instanceof KafkaJSError)) return true;
  // Says of each group why, and "not now" is the usual answer: a member is just leaving, a coordinator just moving.
  if (error instanceof KafkaJSDeleteGroupsError) return true;
  // A broker that is just starting again coordinates nothing yet; kafkajs calls that final.
  if (error instanceof KafkaJSGroupCoordinatorNotFound) return true;
  return error.retriable || error.name.includes('Connection') || error.name.includes('Timeout');
}
