/**
 * `tally up` as its users run it: killed, restarted, refused, stopped.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { someOf } from '../support/some-of.ts';
import { eventually } from '../support/system.ts';
import { isRunning, type ReadyLine, tally, tallyUp } from '../support/tally-command.ts';

const CHILDREN_GONE_MS_MAX = 5_000;
/** Two commands and a whole start, on a machine that is busy. */
const REBUILT_AND_RESTARTED_MS_MAX = 240_000;

describe('tally up', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tally-up-'));
  let up: Awaited<ReturnType<typeof tallyUp>>;

  beforeAll(async () => {
    up = await tallyUp(dataDir);
  });

  afterAll(async () => {
    if (up.child.exitCode === null) {
      up.child.kill('SIGTERM');
      await once(up.child, 'exit');
    }
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('says where everything is in its first line', () => {
    expect(Object.keys(up.ready.pids).sort()).toEqual([
      'aggregator',
      'api',
      'clickhouse',
      'consumer',
      'gateway',
      'kafka',
      'notifier',
    ]);
    expect(Object.values(up.ready.pids).flat().every(isRunning)).toBe(true);
  });

  it('has an event’s figure in the api within five seconds of its acknowledgement', async () => {
    await post(up.ready, 'e1', 'c1');
    await eventually(async () => expect(await figures(up.ready)).toEqual({ interactions: 1, engaged: 1 }), 5_000);
  });

  it('refuses a second instance on the same directory', async () => {
    const { exitCode, stderr } = await tally('up', '--data', dataDir, '--api-port', '0', '--gateway-port', '0');
    expect(stderr).toMatch(/\[(DATA_DIR_IN_USE)\]\n$/);
    expect(exitCode).toBe(14);
  });

  it('refuses a taken port before anything is started', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const elsewhere = mkdtempSync(join(tmpdir(), 'tally-port-'));
    const { exitCode, stderr } = await tally('up', '--data', elsewhere, '--api-port', String(port));
    expect(stderr).toContain(`Port ${port} (--api-port)`);
    expect(exitCode).toBe(13);
    server.close();
    rmSync(elsewhere, { recursive: true });
  });

  it.each([...someOf(['consumer', 'gateway']), ...someOf(['clickhouse', 'kafka'])])(
    'goes on when its %s is killed',
    async (service) => {
      const before = await figures(up.ready);
      const [pid = 0] = up.ready.pids[service] ?? [];
      process.kill(pid, 'SIGKILL');
      await eventually(() => post(up.ready, `after-${service}`, `c-${service}`), 60_000);
      await eventually(
        async () =>
          expect(await figures(up.ready)).toEqual({
            interactions: before.interactions + 1,
            engaged: before.engaged + 1,
          }),
        60_000,
      );
    },
  );

  it('leaves no child five seconds after it was killed (SIGKILL), and goes on where it stopped', async () => {
    const before = await figures(up.ready);
    const pids = JSON.parse((await tally('status', '--json', '--data', dataDir)).stdout).pids as ReadyLine['pids'];
    up.child.kill('SIGKILL');
    await eventually(
      async () => expect(Object.values(pids).flat().filter(isRunning)).toEqual([]),
      CHILDREN_GONE_MS_MAX,
    );

    up = await tallyUp(dataDir);
    await eventually(async () => expect(await figures(up.ready)).toEqual(before), 10_000);
    await post(up.ready, 'e1', 'c1'); // known before the kill
    await post(up.ready, 'e2', 'c2');
    const more = { interactions: before.interactions + 1, engaged: before.engaged + 1 };
    await eventually(async () => expect(await figures(up.ready)).toEqual(more), 10_000);
  });

  it(
    'runs on a database that was rebuilt, also when more was counted before the change',
    async () => {
      const rebuilt = await tally('rebuild', '--database', 'rebuilt', '--data', dataDir);
      expect(rebuilt.stdout).toContain(`tally up --data ${dataDir} --database rebuilt\n`);
      const before = await figures(up.ready);
      await post(up.ready, 'e3', 'c3');
      const after = { interactions: before.interactions + 1, engaged: before.engaged + 1 };
      await eventually(async () => expect(await figures(up.ready)).toEqual(after), 10_000);
      up.child.kill('SIGTERM');
      await once(up.child, 'exit');

      up = await tallyUp(dataDir, '--database', 'rebuilt');
      expect(up.ready.database).toBe('rebuilt');
      await eventually(async () => expect(await figures(up.ready)).toEqual(after), 10_000);
    },
    REBUILT_AND_RESTARTED_MS_MAX,
  );

  it('stops everything on SIGTERM and ends with 0', async () => {
    const pids = Object.values(up.ready.pids).flat();
    up.child.kill('SIGTERM');
    const [code] = await once(up.child, 'exit');
    expect(code).toBe(0);
    expect(pids.filter(isRunning)).toEqual([]);
  });
});

async function post({ gateway, adminKey }: ReadyLine, id: string, entityId: string): Promise<void> {
  const response = await fetch(`${gateway}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/cloudevents+json' },
    body: JSON.stringify({
      specversion: '1.0',
      type: 'tally.interaction.v1',
      source: '/test',
      id,
      time: '2026-03-05T10:00:00Z',
      data: { tenantId: 'contoso', environmentId: 'prod', entityType: 'contact', entityId, channel: 'email' },
    }),
  });
  expect(response.status).toBe(202);
}

async function figures({ api, adminKey }: ReadyLine): Promise<{ interactions: number; engaged: number }> {
  const ask = async (path: string): Promise<unknown> => {
    const response = await fetch(`${api}/v1/tenants/contoso${path}`, {
      headers: { authorization: `Bearer ${adminKey}` },
    });
    expect(response.status).toBe(200);
    return response.json();
  };
  const { months } = (await ask('/interactions?from=2026-03&to=2026-03')) as { months: [{ total: number }] };
  const { total } = (await ask('/engaged?asOf=2026-03-05')) as { total: number };
  return { interactions: months[0].total, engaged: total };
}
