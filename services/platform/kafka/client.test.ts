import kafkajs from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { TallyError } from '../errors.ts';
import { kafkaError } from './client.ts';

const {
  KafkaJSConnectionError,
  KafkaJSError,
  KafkaJSGroupCoordinatorNotFound,
  KafkaJSNonRetriableError,
  KafkaJSNumberOfRetriesExceeded,
} = kafkajs;

const retries = { retryCount: 5, retryTime: 100 };

describe('kafkaError', () => {
  it.each([
    ['an error kafkajs calls retriable', new KafkaJSError('x'), true],
    ['an error kafkajs calls final', new KafkaJSNonRetriableError('x'), false],
    ['a lost connection', new KafkaJSConnectionError('x'), true],
    ['a group without a coordinator yet', Reflect.construct(KafkaJSGroupCoordinatorNotFound, ['x']), true],
    [
      'retries given up over one that is retriable',
      new KafkaJSNumberOfRetriesExceeded(new KafkaJSError('x'), retries),
      true,
    ],
    [
      'retries given up over one that is final',
      new KafkaJSNumberOfRetriesExceeded(new KafkaJSNonRetriableError('x'), retries),
      false,
    ],
    ['an error of the network', new Error('ECONNREFUSED'), true],
    ['one of our own that is not', new TallyError('x', { code: 'TOPIC_MISSING', retriable: true }), true],
  ])('asks the first cause whether to retry: %s', (_, cause, retriable) => {
    const error = kafkaError('could not', cause);
    expect(error).toMatchObject({ code: 'KAFKA_UNAVAILABLE', retriable, message: 'could not' });
    expect(error.cause).toBe(cause);
  });

  it('keeps what one of our own says that is final', () => {
    const cause = new TallyError('x', { code: 'KAFKA_TLS_WANTED', retriable: false });
    expect(kafkaError('could not', cause)).toMatchObject({ code: 'KAFKA_TLS_WANTED', retriable: false, message: 'x' });
  });
});
