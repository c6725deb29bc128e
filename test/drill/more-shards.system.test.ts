/**
 * An instance that moves to more ClickHouse servers, step by step as docs/cluster.md has it: from one to two, from two to
 * four, with events all the time and decisions in between. `npm run drill -- more-shards`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClickHouse, shardDatabase } from '@tally/platform/clickhouse';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tally } from '../support/tally-command.ts';
import { DrillInstance, type Held } from './instance.ts';

const UNTIL = '2025-12-31';
const TENANTS = '2';
const TENANT = 'contoso';
const STEP_MS_MAX = 600_000;

describe('an instance', { timeout: STEP_MS_MAX }, () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tally-more-shards-'));
  const instance = new DrillInstance(dataDir);
  let seed = 20;

  const send = (events: number): Promise<string> => {
    const size = ['--events', String(events), '--tenants', TENANTS, '--until', UNTIL];
    return instance.run('simulate', ...size, '--seed', String(seed++), '--json');
  };

  beforeAll(async () => {
    await instance.start();
    await send(1_000);
    await instance.caughtUp();
    await instance.stop();
  }, STEP_MS_MAX);

  afterAll(async () => {
    await instance.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }, STEP_MS_MAX);

  describe.each([
    { from: 1, to: 2, old: 'tally', made: 'on_two', policy: 'outbound-only' },
    { from: 2, to: 4, old: 'on_two', made: 'on_four', policy: 'all' },
  ])('on $from server(s) moves to $to', ({ from, to, old, made, policy }) => {
    let [before, decided]: Held[] = [];

    it('goes on with its database when further servers start', async () => {
      await instance.start('--shards', String(to), '--database', old);
      expect(instance.ready.engines).toHaveLength(to);
      expect(instance.ready.shards).toHaveLength(from === 1 ? 0 : from);
    });

    it('is copied while events come', async () => {
      const sending = send(1_000);
      const copied = await tally('reshard', '--database', made, '--data', dataDir, '--json');
      const report = JSON.parse(copied.stdout) as { shards: number; tables: { table: string; rows: number }[] };
      expect(report.shards).toBe(to);
      expect(report.tables.find(({ table }) => table === 'interactions')?.rows).toBeGreaterThan(500);
      await sending;
    });

    it('decides and counts more on the old database', async () => {
      await instance.run('policy', 'set', TENANT, policy, '--from', '2025-06-15', '--because', 'drill');
      await instance.run('keys', 'create', '--name', `drill-${to}`, '--role', 'admin');
      await send(500);
      await instance.caughtUp();
      before = await instance.held();
      decided = await instance.decided();
      await instance.stop();
    });

    it('runs on the new one with all that came, and all that was decided', async () => {
      await instance.start('--database', made);
      expect(instance.ready.shards).toHaveLength(to);
      await instance.caughtUp();
      expect(await instance.decided()).not.toEqual(decided);
      await instance.run('reshard', '--carry-over', '--database', made, '--from', old);
      expect(await instance.decided()).toEqual(decided);
      expect(await instance.held()).toEqual(before);
    });

    it('has a ledger that verifies, and the same figures when the old one is dropped', async () => {
      expect(await instance.run('ledger', '--verify')).toContain('Verified');
      for (const url of instance.ready.engines) {
        const server = new ClickHouse({ url, database: 'default' });
        for (const name of [old, shardDatabase(old)]) await server.command(`DROP DATABASE IF EXISTS ${name} SYNC`);
        await server.close();
      }
      await send(200);
      await instance.caughtUp();
      const { balanced, lag } = await instance.ledger();
      expect({ balanced, lag }).toEqual({ balanced: true, lag: 0 });
      await instance.stop();
    });
  });
});
