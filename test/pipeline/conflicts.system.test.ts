/**
 * An event id that comes again with other content is listed with both contents, whether the first one counted or not.
 */
import { partitionOf } from '@tally/platform/kafka';
import { encodeRecord, entityKey, type Interaction, type InteractionVoided } from '@tally/schemas';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fewestPartitions, freshTenant, TestSystem } from '../support/system.ts';
import { tallyWith } from '../support/tally-command.ts';

const tenantId = freshTenant('conflicts');
const entity = { tenantId, environmentId: 'prod', entityType: 'contact', entityId: 'c1' } as const;

function interaction(eventId: string, change: Partial<Interaction> = {}): Interaction {
  return {
    eventId,
    ...entity,
    channel: 'email',
    direction: 'outbound',
    occurredAt: Date.UTC(2026, 0, 31, 23, 59),
    journeyId: 'welcome',
    provider: null,
    ...change,
  };
}

interface Conflict {
  eventId: string;
  first: { outcome: string; log: { position: string; topic: string; offset: number }; content: object };
  again: { log: { position: string; topic: string; offset: number }; content: object };
  differs: string[];
}

describe('an event id that comes again with other content', () => {
  let system: TestSystem;
  let ask: (path: string) => Promise<{ status: number; body: never }>;

  beforeAll(async () => {
    system = await TestSystem.create('conflicts', { partitions: fewestPartitions() });
    const topic = system.topics.interactions;
    const key = Buffer.from(entityKey(entity));
    const send = (value: Interaction): Promise<void> =>
      system.sender.send([{ topic, key, value: encodeRecord({ schema: 'Interaction', value }) }]);
    const voided: InteractionVoided = { eventId: 'void', ...entity, voidedAt: 0, reason: 'never sent' };

    await send(interaction('counted'));
    await send(interaction('same'));
    await system.sender.send([
      { topic, key, value: encodeRecord({ schema: 'InteractionVoided', value: voided }) },
      { topic, key, value: encodeRecord({ schema: 'Interaction', value: interaction('void') }) },
    ]);
    await send(interaction('counted', { occurredAt: Date.UTC(2026, 1, 28), journeyId: null, provider: '\u001b[2J' }));
    await send(interaction('same'));
    await send(interaction('void', { channel: 'sms' }));
    await send(interaction('void', { journeyId: 'another' }));
    await system.consumer();
    await system.caughtUp();
    ask = await system.api();
  });

  afterAll(() => system.close());

  async function conflicts(query = ''): Promise<{ conflicts: Conflict[]; next: string | null }> {
    const { status, body } = await ask(`/v1/tenants/${tenantId}/conflicts${query}`);
    expect(status).toBe(200);
    return body;
  }

  it('is listed in the order of the log, and what came again with the same content is not', async () => {
    expect((await conflicts()).conflicts.map(({ eventId }) => eventId)).toEqual(['counted', 'void', 'void']);
  });

  it('shows both contents and both places when the first one counted', async () => {
    const partition = partitionOf(Buffer.from(entityKey(entity)), fewestPartitions());
    const [conflict] = (await conflicts()).conflicts;
    expect(conflict).toMatchObject({
      eventId: 'counted',
      entityId: 'c1',
      first: {
        outcome: 'counted',
        log: { topic: system.topics.interactions, partition, offset: 0 },
        content: {
          occurredAt: '2026-01-31T23:59:00.000Z',
          channel: 'email',
          direction: 'outbound',
          journeyId: 'welcome',
          provider: null,
        },
      },
      again: {
        log: { topic: system.topics.interactions, partition, offset: 4 },
        content: { occurredAt: '2026-02-28T00:00:00.000Z', channel: 'email', journeyId: null, provider: '\u001b[2J' },
      },
      differs: ['occurredAt', 'journeyId', 'provider'],
    });
  });

  it('shows what the index kept of the first one when that was suppressed', async () => {
    const [, channel, journey] = (await conflicts()).conflicts;
    const kept = { occurredAt: '2026-01-31T23:59:00.000Z', channel: 'email', direction: 'outbound' };
    expect(channel?.first).toMatchObject({ outcome: 'suppressed', log: { offset: 3 } });
    expect(channel?.first.content).toEqual(kept);
    expect(channel).toMatchObject({ again: { content: { channel: 'sms' } }, differs: ['channel'] });
    expect(journey).toMatchObject({ again: { content: { journeyId: 'another' } }, differs: [] });
  });

  it('is one conflict when the same rows are written again', async () => {
    for (const shard of system.clickhouse.shards) {
      await shard.command('INSERT INTO conflicting_interactions SELECT * FROM conflicting_interactions');
    }
    expect((await conflicts()).conflicts).toHaveLength(3);
  });

  it('comes in pages, and by the day of the later one', async () => {
    const first = await conflicts('?limit=2');
    expect(first.conflicts).toHaveLength(2);
    const second = await conflicts(`?limit=2&after=${first.next}`);
    expect(second.conflicts.map(({ again }) => again.log.offset)).toEqual([7]);
    expect(second.next).toBeNull();
    expect((await conflicts('?from=2026-02-28&to=2026-02-28')).conflicts.map(({ eventId }) => eventId)).toEqual([
      'counted',
    ]);
    expect((await conflicts('?to=2026-02-27')).conflicts.map(({ eventId }) => eventId)).toEqual(['void', 'void']);
  });

  it('is never another tenant’s', async () => {
    const { body } = await ask(`/v1/tenants/${freshTenant('other')}/conflicts`);
    expect(body).toMatchObject({ conflicts: [], next: null });
  });

  it.each([
    'limit=0',
    'limit=501',
    'after=-1',
    'after=18446744073709551616',
    'from=2026-02-30',
    'from=2026-02-02&to=2026-02-01',
  ])('is not asked for with %s', async (query) => {
    const { status, body } = await ask(`/v1/tenants/${tenantId}/conflicts?${query}`);
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'invalid-parameter' });
  });

  it('is shown side by side on the command line, without what would move a terminal’s cursor', async () => {
    const { url } = await system.service('api/main.ts');
    const env = { TALLY_API: url, TALLY_KEY: system.env['TALLY_ADMIN_KEY'] };
    const { exitCode, stdout } = await tallyWith(env, 'conflicts', tenantId, '--limit', '2');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/happened at +│ 2026-01-31T23:59:00.000Z +│ 2026-02-28T00:00:00.000Z +│ differs/);
    expect(stdout).toMatch(/provider +│ none +│ \\u\{1b\}\[2J +│ differs/);
    expect(stdout).toMatch(/journey +│ not kept +│ welcome +│ may differ/);
    expect(stdout).toContain('there are more than 2');
    expect(stdout).not.toContain('\u001b');

    const all = await tallyWith(env, 'conflicts', '--json');
    expect(JSON.parse(all.stdout)).toMatchObject({ more: false, conflicts: [{ tenantId }, {}, {}] });
  });
});
