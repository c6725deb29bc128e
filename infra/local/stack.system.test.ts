import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LocalEvent } from './events.ts';
import { brokerServes } from './kafka/probe.ts';
import { type LocalStack, startLocalStack } from './stack.ts';
import { endedWithin, startNode, until } from './test-processes.ts';

// The first start on a machine fetches the broker.
const FIRST_START_MS_MAX = 300_000;
const RUN = join(import.meta.dirname, 'run.ts');

const dataDir = mkdtempSync(join(tmpdir(), 'tally-stack-'));
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

async function sql({ clickhouseUrl }: Pick<LocalStack, 'clickhouseUrl'>, query: string): Promise<string> {
  const response = await fetch(clickhouseUrl, { method: 'POST', body: query, signal: AbortSignal.timeout(10_000) });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text.trim();
}

type Line = Pick<LocalStack, 'kafka' | 'clickhouseUrl'> & { pids: Record<'kafka' | 'clickhouse', number[]> };

const insert = (n: number) => `INSERT INTO kept.rows SETTINGS async_insert = 0 VALUES (${n})`;
const ROWS = "SELECT arrayStringConcat(arraySort(groupArray(toString(n))), ' ') FROM kept.rows";
const allPids = (pids: Record<'kafka' | 'clickhouse', number[]>) => [...pids.kafka, ...pids.clickhouse];
const portOf = (address: string) => Number(address.split(':').at(-1));
const started = (events: LocalEvent[]) => events.filter((event) => event.kind === 'starting');

function clusterId(): string | undefined {
  const file = join(dataDir, 'kafka', 'data', 'meta.properties');
  return /cluster\.id=(.+)/.exec(readFileSync(file, 'utf8'))?.[1];
}

// One life after the other on one directory: a start costs more than all that is asked of it.
describe('a stack', () => {
  const events: LocalEvent[] = [];
  let first: LocalStack;
  let second: ReturnType<typeof startNode>;
  let third: ReturnType<typeof startNode>;

  beforeAll(async () => {
    first = await startLocalStack({ dataDir, onEvent: (event) => events.push(event) });
    await sql(first, 'CREATE DATABASE kept');
    await sql(first, 'CREATE TABLE kept.rows (n UInt64) ENGINE = MergeTree ORDER BY n');
    await sql(first, insert(1));
  }, FIRST_START_MS_MAX);

  afterAll(async () => {
    // Whatever a failed test left running.
    await first?.stop();
    second?.kill('SIGKILL');
    third?.kill('SIGKILL');
  });

  it('has a broker that starts from the archive of its class data', () => {
    const [pid] = first.pids().kafka;
    expect(readFileSync(`/proc/${pid}/maps`, 'utf8')).toMatch(/\/broker-[^/]+\.jsa$/m);
  });

  it('starts services that die again, on the same ports and data', async () => {
    const before = allPids(first.pids());
    for (const pid of before) process.kill(pid, 'SIGKILL');
    const ready = () => events.filter((event) => event.kind === 'ready').length;
    await until(() => ready() === 4, 60_000);
    expect(await sql(first, ROWS)).toBe('1');
    expect(await brokerServes(portOf(first.kafka))).toBe(true);
    expect(allPids(first.pids())).not.toEqual(before);
  });

  it('keeps its data over a stop and a start, on other ports', async () => {
    await sql(first, insert(2));
    const cluster = clusterId();
    const pids = allPids(first.pids());
    await first.stop();
    await endedWithin(0, pids);

    second = startNode([RUN, dataDir]);
    const { kafka, clickhouseUrl } = await second.firstLine<Line>();
    expect(await sql({ clickhouseUrl }, ROWS)).toBe('1 2');
    expect(clusterId()).toBe(cluster);
    expect(kafka).not.toBe(first.kafka);
    expect(await brokerServes(portOf(kafka))).toBe(true);
  });

  it('refuses another one on its directory before anything runs', async () => {
    const events: LocalEvent[] = [];
    const refused = startLocalStack({ dataDir, onEvent: (event) => events.push(event) });
    await expect(refused).rejects.toMatchObject({
      code: 'DATA_DIR_IN_USE',
      exitCode: 14,
      message: expect.stringContaining(`process ${second.pid}`),
    });
    expect(started(events)).toEqual([]);
  });

  it('of a process killed with SIGKILL ends within 5 s, while clients are connected, and can be started again at once', async () => {
    const held = await second.firstLine<Line>();
    await sql(held, insert(3));
    second.kill('SIGKILL');
    third = startNode([RUN, dataDir]);
    const [again] = await Promise.all([third.firstLine<Line>(), endedWithin(5000, allPids(held.pids))]);
    expect(await sql(again, ROWS)).toBe('1 2 3');
  });

  it('ends in order with its process', async () => {
    const { pids } = await third.firstLine<Line>();
    third.endInput();
    expect(await third.exit).toBe(0);
    await endedWithin(0, allPids(pids));
  });
});

describe('a start is refused before anything runs', () => {
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
