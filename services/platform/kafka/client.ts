/**
 * The one place that makes a Kafka client. Only this folder imports kafkajs.
 */
import kafkajs, { type Kafka, type LogEntry } from 'kafkajs';
import { TallyError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { codecs } from './codecs.ts';

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

export interface KafkaOptions {
  /** `host:port` of some brokers. */
  brokers: string[];
  clientId: string;
  log: Logger;
  /** How long a request may take, milliseconds. Default 30,000. */
  requestTimeoutMs?: number;
  /** Tries of the client's own calls (metadata, coordinator look-ups) before they fail. Default 5. */
  retries?: number;
}

/** A client; it connects when it is first used. */
export function createKafka({ brokers, clientId, log, requestTimeoutMs = 30_000, retries = 5 }: KafkaOptions): Kafka {
  return new KafkaClient({
    brokers,
    clientId,
    connectionTimeout: 3_000,
    requestTimeout: requestTimeoutMs,
    enforceRequestTimeout: true,
    retry: { retries, initialRetryTime: 100, maxRetryTime: 5_000 },
    logLevel: logLevel.WARN,
    logCreator: () => toPino(log),
  });
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
 * kafkajs gives up its own retries it says "not retriable" of an error that is.
 */
export function kafkaError(message: string, cause: unknown, code = 'KAFKA_UNAVAILABLE'): TallyError {
  return new TallyError(message, { code, retriable: isRetriable(firstCause(cause)), cause });
}

function firstCause(error: unknown): unknown {
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
