/**
 * The services of `tally up` as processes on a bench's servers.
 */
import { randomBytes } from 'node:crypto';
import { createServices, type Service } from '@tally/cli/services';
import { TallyError } from '@tally/platform/errors';
import type { BenchStack } from './bench-stack.ts';

const SECRETS = { adminKey: `bench_${randomBytes(16).toString('hex')}`, identifierSecret: 'bench-identifier-secret' };

export interface BenchServices {
  adminKey: string;
  /** Starts some of them; resolves when they are ready. */
  start: (...names: string[]) => Promise<void>;
  /** Address of a service's HTTP server, once it is ready. */
  url: (name: string) => string;
  pid: (name: string) => number | undefined;
}

/** Stops what was started, whatever happens. */
export async function withServices<Result>(
  bench: BenchStack,
  { aggregateCron }: { aggregateCron: string },
  work: (services: BenchServices) => Promise<Result>,
): Promise<Result> {
  const services = createServices({
    dataDir: bench.dataDir,
    kafka: bench.stack.kafka,
    clickhouse: { url: bench.stack.clickhouseUrl, database: bench.database },
    secrets: SECRETS,
    apiPort: 0,
    gatewayPort: 0,
    consumers: 1,
    aggregateCron,
    onEvent: ({ service, kind, detail = '' }) => {
      if (kind === 'exited' || kind === 'refused') process.stderr.write(`${service} ${kind}: ${detail}\n`);
    },
  });
  const named = (name: string): Service => {
    const service = services.find((one) => one.name === name);
    if (service) return service;
    throw new TallyError(`there is no service ${name}`, { code: 'BENCH_SERVICE', retriable: false });
  };
  try {
    return await work({
      adminKey: SECRETS.adminKey,
      start: async (...names) => {
        await Promise.all(names.map((name) => named(name).supervised.start()));
      },
      url: (name) => named(name).url(),
      pid: (name) => named(name).supervised.pid(),
    });
  } finally {
    for (const { supervised } of services) await supervised.stop();
  }
}
