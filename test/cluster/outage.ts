/**
 * Kills the server of a shard with SIGKILL while events are counted, and asks the api and the gateway until it is back.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ADMIN_KEY, type ClusterStage } from './stage.ts';

export interface Outage {
  /** What was done, for people. */
  what: string;
  shard: number;
  /** Until the server answered again, milliseconds. */
  awayMs: number;
  /** Answers of the api: the figure as it is, an error with a code, anything else. */
  exact: number;
  refused: number;
  wrong: string[];
  /** The slowest answer while the server was away, milliseconds. */
  slowestMs: number;
  /** Codes of the errors. */
  codes: string[];
  /** Events that the gateway took meanwhile, and those that it did not. */
  accepted: number;
  declined: number;
  /** Records that the other shards' partitions were counted on by meanwhile. */
  othersWentOnBy: number;
}

export interface Watched {
  apiUrl: string;
  gatewayUrl: string;
  groupId: string;
  shards: number;
  /** A tenant of which nothing is sent any more: what is asked, and the answer there must be. */
  questions: readonly { path: string; total: (answer: Answer) => number; expected: number }[];
}

/** What the api says of interactions or of engaged people. */
export interface Answer {
  total?: number;
  months?: { total: number }[];
  code?: string;
}

const POLL_MS = 40;
const AWAY_MS_MAX = 120_000;
let sent = 0;

/** What is done to a server, of which a shard's inserts or answers hang. */
export interface Strike {
  what: string;
  shard: number;
  begin: () => void;
  isOver: () => Promise<boolean>;
}

export function killShard(stage: ClusterStage, shard: number, watched: Watched): Promise<Outage> {
  const { stack } = stage;
  const pid = stack.pids().clickhouse[shard];
  const url = stack.clickhouseShards[shard] ?? '';
  if (pid === undefined) throw new Error(`shard ${shard} does not run`);
  const begin = (): void => void process.kill(pid, 'SIGKILL');
  return watch(stage, { what: `shard ${shard}`, shard, begin, isOver: () => answers(url) }, watched);
}

/** Strikes, and asks until it is over. */
export async function watch(stage: ClusterStage, strike: Strike, watched: Watched): Promise<Outage> {
  const { what, shard } = strike;
  const other = { shard: (shard + 1) % watched.shards, shards: watched.shards };
  const before = await stage.committedOf(watched.groupId, other);
  const outage: Outage = {
    what,
    shard,
    awayMs: 0,
    exact: 0,
    refused: 0,
    wrong: [],
    slowestMs: 0,
    codes: [],
    accepted: 0,
    declined: 0,
    othersWentOnBy: 0,
  };
  const startedAt = Date.now();
  strike.begin();
  do {
    await Promise.all([askAll(outage, watched), offerEvent(outage, watched.gatewayUrl)]);
    await sleep(POLL_MS);
    if (Date.now() - startedAt > AWAY_MS_MAX) throw new Error(`${what} did not come back`);
  } while (!(await strike.isOver()));
  outage.awayMs = Date.now() - startedAt;
  outage.othersWentOnBy = (await stage.committedOf(watched.groupId, other)) - before;
  // Back again, its answers are those of before.
  await askAll(outage, watched);
  return outage;
}

async function askAll(outage: Outage, { apiUrl, questions }: Watched): Promise<void> {
  for (const { path, total, expected } of questions) {
    const askedAt = Date.now();
    const response = await fetch(`${apiUrl}${path}`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
    const answer = (await response.json()) as Answer;
    outage.slowestMs = Math.max(outage.slowestMs, Date.now() - askedAt);
    if (response.status === 200 && total(answer) === expected) outage.exact++;
    else if (response.status === 503 && answer.code !== undefined) {
      outage.refused++;
      if (!outage.codes.includes(answer.code)) outage.codes.push(answer.code);
    } else outage.wrong.push(`${path}: ${response.status} ${JSON.stringify(answer).slice(0, 200)}`);
  }
}

async function offerEvent(outage: Outage, gatewayUrl: string): Promise<void> {
  const id = `outage-${++sent}`;
  const response = await fetch(`${gatewayUrl}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/cloudevents+json' },
    body: JSON.stringify({
      specversion: '1.0',
      type: 'tally.interaction.v1',
      source: '/cluster',
      id,
      time: new Date().toISOString(),
      data: {
        tenantId: OUTAGE_TENANT,
        environmentId: 'prod',
        entityType: 'contact',
        entityId: `c-${sent}`,
        channel: 'email',
      },
    }),
  });
  await response.arrayBuffer();
  if (response.status === 202) outage.accepted++;
  else outage.declined++;
}

/** Whose events the gateway takes while a shard is away. */
export const OUTAGE_TENANT = 'while-away';

export async function answers(url: string): Promise<boolean> {
  try {
    return (await (await fetch(`${url}/?query=SELECT+1`, { headers: { connection: 'close' } })).text()) === '1\n';
  } catch {
    return false;
  }
}
