/**
 * What a start that fails gives; a whole consumer on a real broker is in test/pipeline.
 */
import kafkajs, { type Kafka } from 'kafkajs';
import { expect, it } from 'vitest';
import { TallyError } from '../errors.ts';
import { createLog } from '../log.ts';
import { createKafka } from './client.ts';
import { GroupConsumer } from './group-consumer.ts';

const { KafkaJSGroupCoordinatorNotFound, KafkaJSNonRetriableError } = kafkajs;

type Crash = (event: { payload: { error: Error; restart: boolean } }) => void;

const log = createLog('test', 'silent');

function consumerOn(kafka: Kafka, onFatal: (error: TallyError) => void = () => undefined): GroupConsumer {
  return new GroupConsumer({
    kafka,
    log,
    groupId: 'test',
    topics: ['t'],
    sessionTimeoutMs: 3_000,
    heartbeatIntervalMs: 300,
    concurrency: 1,
    fetchBytesMaxPerPartition: 1_024,
    fetchBytesMin: 1,
    fetchWaitMsMax: 100,
    take: async () => undefined,
    committed: async () => new Map(),
    onAssigned: () => undefined,
    onFatal,
  });
}

/** A client whose consumer crashes while it joins, as kafkajs tells it: `run` resolves. */
function crashing(error: Error, when: 'joining' | 'later'): { kafka: Kafka; crash: () => void; left: () => boolean } {
  let listener: Crash = () => undefined;
  let left = false;
  const crash = (): void => listener({ payload: { error, restart: false } });
  const consumer = {
    on: (name: string, listen: Crash) => {
      if (name === 'consumer.crash') listener = listen;
    },
    connect: async () => undefined,
    subscribe: async () => undefined,
    run: async () => {
      if (when === 'joining') crash();
    },
    disconnect: async () => {
      left = true;
    },
  };
  return { kafka: { consumer: () => consumer } as unknown as Kafka, crash, left: () => left };
}

it('a start without a broker fails, and may be tried again', async () => {
  const kafka = createKafka({ brokers: ['127.0.0.1:1'], clientId: 'test', log, retries: 0 });
  const failure = consumerOn(kafka).start();
  await expect(failure).rejects.toBeInstanceOf(TallyError);
  await expect(failure).rejects.toMatchObject({ code: 'KAFKA_UNAVAILABLE', retriable: true });
});

it.each([
  ['a group without a coordinator yet', Reflect.construct(KafkaJSGroupCoordinatorNotFound, ['x']) as Error, true],
  ['an error that is final', new KafkaJSNonRetriableError('x'), false],
])(
  'a start that crashes because of %s fails, says whether to try again, and leaves nothing open',
  async (_, cause, retriable) => {
    const fatal: unknown[] = [];
    const { kafka, left } = crashing(cause, 'joining');
    const failure = consumerOn(kafka, (error) => fatal.push(error)).start();
    await expect(failure).rejects.toMatchObject({ code: 'KAFKA_UNAVAILABLE', retriable, cause });
    expect(left()).toBe(true);
    expect(fatal).toEqual([]);
  },
);

it('a crash after the start is told once, as an error with a code', async () => {
  const fatal: TallyError[] = [];
  const cause = new KafkaJSNonRetriableError('x');
  const { kafka, crash } = crashing(cause, 'later');
  await consumerOn(kafka, (error) => fatal.push(error)).start();
  crash();
  expect(fatal).toMatchObject([{ code: 'KAFKA_UNAVAILABLE', retriable: false, cause }]);
});
