/**
 * What the api says of dead letters is what reading all of them says, though it reads each only once.
 */
import { deadLettersAnswer } from '@tally/contract';
import { type DeadLetterContext, discard, list, RunningDeadLetters } from '@tally/dead-letters';
import { createTopics } from '@tally/kafka-topics';
import type { StoredRecord } from '@tally/platform/kafka';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../access/requests.ts';
import { ADMIN_KEY, eventually, TestSystem } from '../support/system.ts';

type Headers = Record<string, string>;

describe('dead letters', () => {
  let system: TestSystem;
  let context: DeadLetterContext;
  let url: string;

  beforeAll(async () => {
    system = await TestSystem.create('dead_letter_counts');
    const { kafka, admin, clickhouse, topics } = system;
    context = { kafka, admin, clickhouse, topics, clock: Date.now };
    url = await system.apiUrl();
  });

  afterAll(() => system.close());

  const place = (offset: number | string, more: Headers = {}): Headers => ({
    ...{ topic: 'tally.interactions.v1', partition: '3', offset: String(offset), epoch: '1', service: 'consumer' },
    ...{ reason: Number(offset) % 3 === 0 ? 'missing-key' : 'unknown-framing', detail: 'wrong', ...more },
  });

  async function put(...letters: Headers[]): Promise<void> {
    const { sender, topics } = system;
    const record = { topic: topics.deadLetters, key: null, value: Buffer.from('x') };
    await sender.send(letters.map((headers) => ({ ...record, headers })));
  }

  /** The same, by reading all of them. */
  async function recounted(): Promise<{ total: number; open: number; byReason: Record<string, number[]> }> {
    const all = await list(context);
    const byReason: Record<string, number[]> = {};
    for (const { reason, state } of all) {
      const counts = byReason[reason] ?? [0, 0, 0];
      byReason[reason] = counts.map(
        (count, index) => count + Number(['open', 'retried', 'discarded'][index] === state),
      );
    }
    return { total: all.length, open: all.filter(({ state }) => state === 'open').length, byReason };
  }

  async function counted(running: RunningDeadLetters): ReturnType<typeof recounted> {
    const { total, open, byReason } = await running.counts();
    const entries = byReason.map(({ reason, open: own, retried, discarded }) => [reason, [own, retried, discarded]]);
    return { total, open, byReason: Object.fromEntries(entries) as Record<string, number[]> };
  }

  it('are none at first', async () => {
    const { body } = await ask(url, '/v1/dead-letters', { key: ADMIN_KEY });
    expect(deadLettersAnswer.parse(body)).toMatchObject({ total: 0, open: 0, byReason: [], newest: [] });
  });

  it('are counted on from where they were, duplicates, forgeries and actions too', async () => {
    const running = new RunningDeadLetters(context);
    await put(...Array.from({ length: 30 }, (_, offset) => place(offset)));
    expect(await counted(running)).toEqual(await recounted());
    await put(place(5), place(6), ...[30, 31, 32].map((offset) => place(offset)));
    await put(place(7, { epoch: '2' }), place('9007199254740993'), place('9007199254740992'), { reason: 'no-origin' });
    expect(await counted(running)).toEqual(await recounted());
    await discard(context, ['tally.interactions.v1/3/3@1', 'tally.interactions.v1/3/4@1'], {
      because: 'old',
      by: 'ann',
    });
    const now = await counted(running);
    expect(now).toEqual(await recounted());
    expect(now).toMatchObject({ total: 37, open: 35, byReason: { 'missing-key': [expect.any(Number), 0, 1] } });
    expect(await counted(new RunningDeadLetters(context))).toEqual(now);
  });

  it('are read once each', async () => {
    const read: StoredRecord['offset'][] = [];
    const { kafka } = system;
    const counting = new Proxy(kafka, {
      get: (of, name) =>
        name === 'consumer'
          ? (...asked: Parameters<typeof kafka.consumer>) => {
              const consumer = of.consumer(...asked);
              const run = consumer.run.bind(consumer);
              consumer.run = (config) =>
                run({
                  ...config,
                  eachBatch: async (payload) => {
                    read.push(...payload.batch.messages.map(({ offset }) => BigInt(offset)));
                    await config?.eachBatch?.(payload);
                  },
                });
              return consumer;
            }
          : Reflect.get(of, name),
    });
    const running = new RunningDeadLetters({ ...context, kafka: counting });
    const { total } = await running.counts();
    expect(read.length).toBeGreaterThanOrEqual(total);
    const before = read.length;
    await running.counts();
    expect(read.length).toBe(before);
    await put(place(100));
    expect((await running.counts()).total).toBe(total + 1);
    // A broker may give again what shares a batch with the first new one.
    expect(read.length - before).toBeLessThan(10);
  });

  it('are shown newest first, with what was done', async () => {
    await put(place(200, { detail: 'the very last' }));
    const running = new RunningDeadLetters(context);
    const { newest, total } = await running.counts();
    expect(newest).toHaveLength(total);
    expect(newest[0]).toMatchObject({ detail: 'the very last', state: 'open' });
    const times = newest.map(({ at }) => at);
    expect(times).toEqual([...times].sort((a, b) => b - a));
    expect(newest.find(({ origin }) => origin.endsWith('/3@1'))?.state).toBe('discarded');
    const fresh = await system.apiUrl();
    const { body } = await ask(fresh, '/v1/dead-letters?limit=3', { key: ADMIN_KEY });
    const answer = deadLettersAnswer.parse(body);
    expect(answer).toMatchObject({ total, newest: [{ detail: 'the very last' }, {}, {}] });
    expect(answer.newest).toHaveLength(3);
  });

  it('are forgotten with their topic', async () => {
    const running = new RunningDeadLetters(context);
    expect((await running.counts()).total).toBeGreaterThan(30);
    const { admin, topics } = system;
    await admin.deleteTopics([topics.deadLetters]);
    await eventually(async () => {
      await createTopics(admin, { topics, partitions: 4, replicationFactor: 1 });
      expect(await admin.extents(topics.deadLetters)).toMatchObject([{ start: 0n, end: 0n }]);
    });
    expect(await running.counts()).toEqual({ total: 0, open: 0, byReason: [], newest: [] });
    await put(place(1));
    await eventually(async () => expect(await counted(running)).toMatchObject({ total: 1 }));
  });
});
