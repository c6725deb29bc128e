/**
 * Connections that stay open and ask one call after the other, each the calls of one tenant's page and then of another's.
 */
import autocannon, { type Client } from 'autocannon';
import { type PageCall, tenantPageCalls } from './api-calls.ts';
import { percentile } from './timing.ts';

export interface LoadOptions {
  url: string;
  cookie: string;
  connections: number;
  seconds: number;
  today: string;
  licenceYear: string;
  /** Whose page is opened next. */
  nextTenant: () => string;
}

export interface CallLoad {
  call: string;
  answers: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

export interface Load {
  answersPerSecond: number;
  /** Of all calls, and by call. */
  whole: CallLoad;
  calls: CallLoad[];
  /** Answers by status, other than 200. */
  refused: Record<string, number>;
  /** Connections that broke or were not answered in time. */
  broken: number;
  bytesPerSecond: number;
}

/** Longer than any answer may take; one that comes later counts as broken. */
const ANSWER_SECONDS_MAX = 60;
const ACCEPTED_ENCODINGS = 'gzip, deflate, br, zstd';

/** Loads it for a while. What is under way in the end is not counted. */
export async function runLoad(options: LoadOptions): Promise<Load> {
  const { url, cookie, connections, seconds } = options;
  const times = new Map<string, number[]>();
  const refused: Record<string, number> = {};
  let begun = 0;
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    timeout: ANSWER_SECONDS_MAX,
    headers: { cookie, accept: 'application/json', 'accept-encoding': ACCEPTED_ENCODINGS },
    setupClient: (client) => {
      // Connections begin at different calls: they would all wait for the slowest one at the same time otherwise.
      visitPages(client, options, begun++, (call, status, ms) => {
        if (status === 200) {
          const known = times.get(call);
          if (known) known.push(ms);
          else times.set(call, [ms]);
        } else refused[`${call} ${status}`] = (refused[`${call} ${status}`] ?? 0) + 1;
      });
    },
  });
  const calls = [...times].map(([call, taken]) => loadOf(call, taken));
  const whole = loadOf('all', [...times.values()].flat());
  return {
    answersPerSecond: Math.round((whole.answers / result.duration) * 10) / 10,
    whole,
    calls: calls.sort((a, b) => b.p99Ms - a.p99Ms),
    refused,
    broken: result.errors + result.timeouts,
    bytesPerSecond: Math.round(result.throughput.average),
  };
}

function visitPages(
  client: Client,
  { today, licenceYear, nextTenant }: LoadOptions,
  offset: number,
  onAnswer: (call: string, status: number, ms: number) => void,
): void {
  const open = (): PageCall[] => tenantPageCalls(nextTenant(), today, licenceYear);
  let page = open();
  let asked = offset % page.length;
  let answered: { call: string; status: number } | undefined;
  let current = page[asked];
  client.setRequests([
    {
      setupRequest: (request) => {
        current = page[asked] ?? current;
        asked += 1;
        if (asked >= page.length) {
          page = open();
          asked = 0;
        }
        return { ...request, path: current?.path };
      },
      onResponse: (status) => {
        answered = { call: current?.name ?? '', status };
      },
    },
  ]);
  client.on('response', (_status, _bytes, ms) => {
    if (answered) onAnswer(answered.call, answered.status, ms);
  });
}

function loadOf(call: string, taken: readonly number[]): CallLoad {
  const ascending = taken.toSorted((a, b) => a - b);
  const rounded = (ms: number): number => Math.round(ms * 10) / 10;
  return {
    call,
    answers: ascending.length,
    p50Ms: rounded(percentile(ascending, 0.5)),
    p99Ms: rounded(percentile(ascending, 0.99)),
    maxMs: rounded(ascending.at(-1) ?? 0),
  };
}
