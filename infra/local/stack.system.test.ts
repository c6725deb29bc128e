import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LocalEvent } from './events.ts';
import { brokerServes } from './kafka/probe.ts';
import { type LocalStack, startLocalStack } from './stack.ts';
import { endedWithin, startNode, until } from './test-processes.ts';

// The first start on a machine fetches the broker.
const FIRST_START_MS_MAX = 300_000;
const RUN = join(import.meta.dirname, 'run.ts');

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'tally-stack-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

async function sql({ clickhouseUrl }: Pick<LocalStack, 'clickhouseUrl'>, query: string): Promise<string> {
  const response = await fetch(clickhouseUrl, { method: 'POST', body: query, signal: AbortSignal.timeout(10_000) });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text.trim();
}

const allPids = (pids: Record<'kafka' | 'clickhouse', number[]>) => [...pids.kafka, ...pids.clickhouse];
const portOf = (address: string) => Number(address.split(':').at(-1));

function clusterId(): string | undefined {
  const file = join(dataDir, 'kafka', 'data', 'meta.properties');
  return /cluster\.id=(.+)/.exec(readFileSync(file, 'utf8'))?.[1];
}

it(
  'keeps its data over a stop and a start, on other ports',
  async () => {
    const first = await startLocalStack({ dataDir });
    await sql(first, 'CREATE DATABASE kept');
    await sql(first, 'CREATE TABLE kept.rows (n UInt64) ENGINE = MergeTree ORDER BY n');
    await sql(first, 'INSERT INTO kept.rows SETTINGS async_insert = 0 VALUES (42)');
    const cluster = clusterId();
    const pids = allPids(first.pids());
    await first.stop();
    await endedWithin(0, pids);

    const second = await startLocalStack({ dataDir });
    try {
      expect(await sql(second, 'SELECT n FROM kept.rows')).toBe('42');
      expect(clusterId()).toBe(cluster);
      expect(second.kafka).not.toBe(first.kafka);
      expect(await brokerServes(portOf(second.kafka))).toBe(true);
    } finally {
      await second.stop();
    }
  },
  FIRST_START_MS_MAX,
);

it(
  'starts services that die again, on the same ports and data',
  async () => {
    const events: LocalEvent[] = [];
    const stack = await startLocalStack({ dataDir, onEvent: (event) => events.push(event) });
    try {
      await sql(stack, 'CREATE DATABASE kept');
      const before = allPids(stack.pids());
      for (const pid of before) process.kill(pid, 'SIGKILL');
      const ready = () => events.filter((event) => event.kind === 'ready').length;
      await until(() => ready() === 4, 30_000);
      expect(await sql(stack, "SELECT count() FROM system.databases WHERE name = 'kept'")).toBe('1');
      expect(await brokerServes(portOf(stack.kafka))).toBe(true);
      expect(allPids(stack.pids())).not.toEqual(before);
    } finally {
      await stack.stop();
    }
  },
  FIRST_START_MS_MAX,
);

it(
  'of a process killed with SIGKILL ends within 5 s, while clients are connected, and can be started again at once',
  async () => {
    const holder = startNode([RUN, dataDir]);
    const held = await holder.firstLine<LocalStack & { pids: Record<'kafka' | 'clickhouse', number[]> }>();
    await sql(held, 'CREATE DATABASE kept');
    await sql(held, 'CREATE TABLE kept.rows (n UInt64) ENGINE = MergeTree ORDER BY n');
    await sql(held, 'INSERT INTO kept.rows SETTINGS async_insert = 0 VALUES (42)');
    holder.kill('SIGKILL');
    const [again] = await Promise.all([startLocalStack({ dataDir }), endedWithin(5000, allPids(held.pids))]);
    try {
      expect(await sql(again, 'SELECT n FROM kept.rows')).toBe('42');
    } finally {
      await again.stop();
    }
  },
  FIRST_START_MS_MAX,
);

describe('a start is refused before anything runs', () => {
  const started = (events: LocalEvent[]) => events.filter((event) => event.kind === 'starting');

  it(
    'when the data directory is in use',
    async () => {
      const holder = startNode([RUN, dataDir]);
      await holder.firstLine();
      const events: LocalEvent[] = [];
      const refused = startLocalStack({ dataDir, onEvent: (event) => events.push(event) });
      await expect(refused).rejects.toMatchObject({
        code: 'DATA_DIR_IN_USE',
        exitCode: 14,
        message: expect.stringContaining(`process ${holder.pid}`),
      });
      expect(started(events)).toEqual([]);
      holder.endInput();
      expect(await holder.exit).toBe(0);
    },
    FIRST_START_MS_MAX,
  );

  it('when a port is taken, and the directory is free again afterwards', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const kafkaPort = typeof address === 'object' && address !== null ? address.port : 0;
    const events: LocalEvent[] = [];
    for (let attempt = 0; attempt < 2; attempt++) {
      const refused = startLocalStack({ dataDir, kafkaPort, onEvent: (event) => events.push(event) });
      await expect(refused).rejects.toMatchObject({ code: 'PORT_TAKEN' });
    }
    expect(started(events)).toEqual([]);
    await new Promise((resolve) => server.close(resolve));
  });

  it('when there is no Java', async () => {
    await expect(startLocalStack({ dataDir, searchPath: dataDir })).rejects.toMatchObject({
      code: expect.stringMatching(/^(JAVA|MAVEN)_MISSING$/),
    });
  });
});
