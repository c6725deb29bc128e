/**
 * What people do about dead letters: list, show, retry, discard. A retry never counts twice and keeps its lineage; a
 * discard stays on record.
 */
import {
  type DeadLetterContext,
  discard,
  list,
  named,
  type RetryResult,
  readActions,
  retry,
  show,
} from '@tally/dead-letters';
import { createKafka, type OutgoingRecord, partitionOf } from '@tally/platform/kafka';
import { createLog } from '@tally/platform/log';
import { encodeRecord, entityKey, type Interaction, type ProfileRecord, profileKey } from '@tally/schemas';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { interaction as interactionOf } from '../support/interaction.ts';
import { freshTenant, TestSystem } from '../support/system.ts';
import { type Finished, tallyWith } from '../support/tally-command.ts';

const PARTITIONS = 4;

let system: TestSystem;
let context: DeadLetterContext;
let ask: Awaited<ReturnType<TestSystem['api']>>;
let tenantId: string;

beforeAll(async () => {
  system = await TestSystem.create('dead_letter_tools', { partitions: PARTITIONS });
  const { admin, clickhouse, topics } = system;
  const kafka = createKafka({
    brokers: [system.env['TALLY_KAFKA'] ?? ''],
    clientId: 'dead-letter-tools',
    log: createLog('test', 'silent'),
  });
  context = { kafka, admin, clickhouse, topics, clock: Date.now };
  ask = await system.api();
  await system.consumer();
});

afterAll(() => system.close());

beforeEach(() => {
  tenantId = freshTenant('retry');
});

const interaction = (change: Partial<Interaction> = {}): Interaction => interactionOf({ tenantId, ...change });

function profile(changedAt: number): ProfileRecord {
  return {
    tenantId,
    environmentId: 'prod',
    source: 'crm',
    recordId: 'r1',
    operation: 'upsert',
    identifiers: [{ kind: 'email', value: 'lamar@contoso.com' }],
    changedAt,
  };
}

const bytesOf = (value: Interaction): Buffer => encodeRecord({ schema: 'Interaction', value });

/** Sends records and returns the origins of the dead letters they became, in the order of `records`. */
async function refused(...records: Omit<OutgoingRecord, 'topic'>[]): Promise<string[]> {
  return refusedOn(system.topics.interactions, ...records);
}

async function refusedOn(topic: string, ...records: Omit<OutgoingRecord, 'topic'>[]): Promise<string[]> {
  const known = new Set((await list(context)).map(({ origin }) => origin));
  for (const record of records) await system.sender.send([{ topic, ...record }]);
  await system.caughtUp();
  const fresh = (await list(context)).filter(({ origin }) => !known.has(origin)).reverse();
  expect(fresh).toHaveLength(records.length);
  return fresh.map(({ origin }) => origin);
}

async function oneRefused(record: Omit<OutgoingRecord, 'topic'>): Promise<string> {
  const [origin = ''] = await refused(record);
  return origin;
}

async function retried(origins: string[], how: { rekey?: boolean; force?: boolean } = {}): Promise<RetryResult> {
  const letters = await named(context, origins);
  const options = { rekey: false, force: false, by: 'lene', ...how, sender: system.sender };
  const result = await retry(context, letters, options);
  await system.caughtUp();
  return result;
}

/** Interactions of the test's tenant in March 2026. */
async function counted(): Promise<number> {
  const { body } = await ask(`/v1/tenants/${tenantId}/interactions?from=2026-03&to=2026-03`);
  const { months } = body as { months: [{ total: number }] };
  return months[0].total;
}

const onWrongPartition = (): Omit<OutgoingRecord, 'topic'> => {
  const key = Buffer.from(entityKey(interaction()));
  return { key, value: bytesOf(interaction()), partition: (partitionOf(key, PARTITIONS) + 1) % PARTITIONS };
};
const unreadable = (): Omit<OutgoingRecord, 'topic'> => ({
  key: Buffer.from(`${tenantId}/prod/contact/c1`),
  value: Buffer.from(`not Avro, of ${tenantId}`),
});

describe('a retry', () => {
  it('of a record whose cause is gone counts once, also when it is retried twice', async () => {
    const origin = await oneRefused(onWrongPartition());
    expect(await counted()).toBe(0);
    expect(await retried([origin])).toEqual({ sent: [{ origin, attempt: 1, known: false }], refused: [] });
    expect(await counted()).toBe(1);
    expect((await named(context, [origin]))[0]?.state).toBe('retried');

    const before = await system.outcomes();
    expect(await retried([origin])).toEqual({ sent: [{ origin, attempt: 1, known: true }], refused: [] });
    expect(await counted()).toBe(1);
    expect(await system.outcomes()).toEqual({ ...before, duplicate: (before.duplicate ?? 0) + 1 });
    expect(await show(context, origin)).toMatchObject({
      known: { outcome: 'counted', place: expect.stringMatching(`^${system.topics.interactions}/\\d+/\\d+$`) },
      letter: {
        actions: [
          { action: 'retried', knownPosition: 0n },
          { action: 'retried', by: 'lene', attempt: 1 },
        ],
      },
    });
    expect((await show(context, origin)).letter.actions[1]?.knownPosition).not.toBe(0n);
  });

  it.each([
    ['missing-key', () => null],
    ['key-mismatch', () => Buffer.from('another/prod/contact/c1')],
  ])('of %s is refused as it is, and counts once with the key its content asks for', async (reason, key) => {
    const origin = await oneRefused({ key: key(), value: bytesOf(interaction()) });
    const before = await system.admin.extents(system.topics.interactions);
    expect(await retried([origin])).toMatchObject({ sent: [], refused: [{ origin, reason }] });
    expect(await system.admin.extents(system.topics.interactions)).toEqual(before);
    expect((await named(context, [origin]))[0]?.state).toBe('open');

    expect(await retried([origin], { rekey: true })).toMatchObject({ sent: [{ origin }], refused: [] });
    expect(await counted()).toBe(1);
  });

  it('that is refused again carries its lineage on, from retry to retry', async () => {
    const first = await oneRefused(unreadable());
    expect(await retried([first])).toMatchObject({ sent: [], refused: [{ origin: first, reason: 'unknown-framing' }] });
    const children = async (origin: string): Promise<string[]> =>
      (await list(context)).filter(({ retryOf }) => retryOf === origin).map(({ origin }) => origin);

    await retried([first], { force: true });
    const [second = ''] = await children(first);
    await retried([second], { force: true });
    const [third = ''] = await children(second);

    const { letter, content, ancestors } = await show(context, third);
    expect(letter).toMatchObject({ state: 'open', attempt: 2, retryOf: second, root: first });
    expect(content.value).toEqual(unreadable().value);
    expect(content.headers).toMatchObject({ 'retry-of': second, 'retry-root': first, 'retry-attempt': '2' });
    expect(ancestors).toMatchObject([
      { origin: second, state: 'retried' },
      { origin: first, state: 'retried' },
    ]);
    expect((await show(context, first)).descendants.map(({ origin }) => origin)).toEqual([second, third]);
    expect(await counted()).toBe(0);
  });

  it('does not set a profile record back that has changed since, unless it is forced', async () => {
    const value = (changedAt: number): Buffer => encodeRecord({ schema: 'ProfileRecord', value: profile(changedAt) });
    const topic = system.topics.profiles;
    const [origin = ''] = await refusedOn(topic, { key: null, value: value(1_000) });
    await system.sender.send([{ topic, key: Buffer.from(profileKey(profile(0))), value: value(2_000) }]);
    await system.caughtUp();
    expect(await retried([origin], { rekey: true })).toMatchObject({ sent: [], refused: [{ reason: 'superseded' }] });
    expect(await retried([origin], { rekey: true, force: true })).toMatchObject({ sent: [{ known: false }] });
  });

  it.each([
    ['letters', { letters: 3, bytes: 1_000 }, [3, 6, 7]],
    ['bytes', { letters: 1_000, bytes: 2 }, [2, 4, 6, 7]],
  ])('of more %s than one pass holds takes several, and sends each once', async (_, times, progress) => {
    const values = Array.from({ length: 7 }, (_, index) => bytesOf(interaction({ eventId: `pass-${index}` })));
    const origins = await refused(...values.map((value) => ({ key: null, value })));
    const pass = { lettersMax: times.letters, bytesMax: times.bytes * (values[0]?.length ?? 0) };
    const done: number[] = [];
    const result = await retry(context, await named(context, origins), {
      rekey: true,
      force: false,
      by: 'lene',
      sender: system.sender,
      pass,
      onProgress: (letters) => done.push(letters),
    });
    await system.caughtUp();
    expect(result.refused).toEqual([]);
    expect(result.sent.map(({ origin }) => origin).sort()).toEqual(origins.sort());
    expect(done).toEqual(progress);
    expect(await counted()).toBe(7);
    expect(new Set((await named(context, origins)).map(({ state }) => state))).toEqual(new Set(['retried']));
  });

  it('goes to no topic that a forged dead letter names', async () => {
    const headers = { reason: 'missing-key', topic: system.topics.alerts, partition: '0', offset: '0' };
    await system.sender.send([{ topic: system.topics.deadLetters, key: null, value: Buffer.from('x'), headers }]);
    const forged = `${system.topics.alerts}/0/0`;
    const honest = await oneRefused(onWrongPartition());
    expect(await retried([forged, honest], { force: true })).toMatchObject({
      sent: [{ origin: honest }],
      refused: [{ origin: forged, reason: 'topic-not-metered' }],
    });
    expect(await system.admin.extents(system.topics.alerts)).toMatchObject([{ end: 0n }]);
  });
});

describe('the list', () => {
  it('shows a dead letter once that a crash put there twice, and one that is retried only when asked for', async () => {
    const origin = await oneRefused(onWrongPartition());
    const again = (await system.deadLetters()).filter(
      ({ headers }) => `${headers['topic']}/${headers['partition']}/${headers['offset']}@1` === origin,
    );
    expect(again).toHaveLength(1);
    await system.sender.send(
      again.map(({ key, value, headers }) => ({ topic: system.topics.deadLetters, key, value, headers })),
    );
    const shown = async (state: 'open' | 'retried'): Promise<number> =>
      (await list(context, { state })).filter((letter) => letter.origin === origin).length;
    expect([await shown('open'), await shown('retried')]).toEqual([1, 0]);
    await retried([origin]);
    expect([await shown('open'), await shown('retried')]).toEqual([0, 1]);
  });

  it('shows a dead letter of another epoch apart, and takes a place for a name while it is one’s alone', async () => {
    const origin = await oneRefused(unreadable());
    const [place = ''] = origin.split('@');
    expect((await show(context, place)).letter.origin).toBe(origin);
    await retried([place], { force: true });
    const [topic = '', partition = '', offset = ''] = place.split('/');
    const headers = { reason: 'missing-key', topic, partition, offset, epoch: '2' };
    await system.sender.send([{ topic: system.topics.deadLetters, key: null, value: Buffer.from('new'), headers }]);
    expect(await named(context, [`${place}@1`, `${place}@2`])).toMatchObject([{ state: 'retried' }, { state: 'open' }]);
    expect((await show(context, `${place}@2`)).content.value).toEqual(Buffer.from('new'));
    await expect(named(context, [place])).rejects.toMatchObject({ code: 'DEAD_LETTER_AMBIGUOUS' });
  });
});

describe('a discard', () => {
  it('stays on record with who, when and why, and leaves the dead letter where it is', async () => {
    const origin = await oneRefused(unreadable());
    const before = Date.now();
    await discard(context, [origin], { because: '  a test of theirs ', by: 'lene' });
    const actions = (await readActions(system.clickhouse)).get(origin);
    expect(actions).toMatchObject([{ action: 'discarded', by: 'lene', reason: 'a test of theirs' }]);
    expect(actions?.[0]?.at).toBeGreaterThanOrEqual(before);
    const [letter] = await named(context, [origin]);
    expect(letter?.state).toBe('discarded');
    expect((await list(context, { state: 'open' })).some((one) => one.origin === origin)).toBe(false);
    expect((await show(context, origin)).content.value).toEqual(unreadable().value);
  });

  it('is final: neither discarded nor retried again', async () => {
    const [one = '', other = ''] = await refused(onWrongPartition(), unreadable());
    await discard(context, [one], { because: 'first', by: 'lene' });
    const refusal = { code: 'DEAD_LETTER_DISCARDED', message: expect.stringMatching(/lene.*first/) };
    await expect(discard(context, [other, one], { because: 'second', by: 'ola' })).rejects.toMatchObject(refusal);
    await expect(retried([other, one], { force: true })).rejects.toMatchObject(refusal);
    expect((await named(context, [other]))[0]?.state).toBe('open');
    expect(await counted()).toBe(0);
  });

  it.each(['', '   ', 'x'.repeat(1_001)])('needs a reason: not %j', async (because) => {
    const [letter] = await list(context);
    const { origin = '' } = letter ?? {};
    await expect(discard(context, [origin], { because, by: 'lene' })).rejects.toMatchObject({
      code: 'DISCARD_WITHOUT_REASON',
    });
  });

  it('is of a dead letter that there is', async () => {
    const origin = `${system.topics.interactions}/0/999999`;
    await expect(discard(context, [origin], { because: 'why', by: 'lene' })).rejects.toMatchObject({
      code: 'DEAD_LETTER_UNKNOWN',
    });
  });
});

describe('tally dead-letters', () => {
  const run = (...args: string[]): Promise<Finished> => tallyWith(system.env, 'dead-letters', ...args);

  it('lists, shows, retries by reason and discards', async () => {
    const value = bytesOf(interaction({ eventId: 'by-command' }));
    const [mismatched = ''] = await refused({ key: Buffer.from('\u001b[2J'), value });
    const origin = await oneRefused(unreadable());
    const listed = JSON.parse((await run('list', '--json', '--reason', 'key-mismatch')).stdout);
    expect(listed).toMatchObject({
      total: 1,
      byReason: { 'key-mismatch': 1 },
      letters: [{ origin: mismatched, reason: 'key-mismatch', state: 'open', attempt: 0 }],
    });

    const shown = await run('show', mismatched);
    expect(shown.stdout).toContain('by-command');
    expect(shown.stdout).toContain('\\u{1b}[2J');
    expect(shown.stdout).not.toContain('\u001b');
    expect((await run('show', origin)).stdout).toContain('0000  6e 6f 74 20 41 76 72 6f');

    const unsent = await run('retry', '--all', '--reason', 'key-mismatch', '--yes');
    expect(unsent).toMatchObject({ exitCode: 1, stdout: expect.stringMatching(/not sent 1.*\n.*--rekey/) });
    const sent = await run('retry', '--all', '--reason', 'key-mismatch', '--rekey', '--yes');
    expect(sent).toMatchObject({ exitCode: 0, stdout: 'sent again 1 record(s)\n' });
    await system.caughtUp();
    expect(await counted()).toBe(1);

    expect(await run('discard', origin, '--because', 'a test of theirs', '--by', 'lene')).toMatchObject({
      exitCode: 0,
    });
    const discarded = await run('list', '--state', 'discarded');
    expect(discarded.stdout).toMatch(/by lene: a test of theirs/);
    expect(await run('retry', origin)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/a test of theirs \[DEAD_LETTER_DISCARDED\]/),
    });
  });

  it.each([
    ['a discard without a reason', ['discard', 't/0/1']],
    ['a discard with an empty reason', ['discard', 't/0/1', '--because', ' ']],
    ['a name that is none', ['show', 'somewhere']],
    ['a retry of nothing', ['retry']],
    ['a reason without --all', ['retry', 't/0/1', '--reason', 'missing-key']],
    ['names and --all', ['retry', 't/0/1', '--all', '--yes']],
    ['many without a terminal and --yes', ['retry', '--all']],
    ['several to discard without a terminal and --yes', ['discard', 't/0/1', 't/0/2', '--because', 'why']],
  ])('ends with 2 for %s', async (_, args) => {
    expect(await run(...args)).toMatchObject({ exitCode: 2, stdout: '' });
  });
});
