/**
 * Configuration comes from the environment, through one zod schema per service, parsed once at start. All faults are
 * reported together.
 */
import { z } from 'zod';
import { TallyError } from './errors.ts';

/** Parses an environment. Throws TallyError `CONFIG_INVALID`, whose message has one line per fault. */
export function parseConfig<Shape extends z.ZodType>(
  schema: Shape,
  env: Readonly<Record<string, string | undefined>>,
): z.infer<Shape> {
  const parsed = schema.safeParse(env);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  throw new TallyError(`the configuration has ${faults.length} fault(s):\n${faults.join('\n')}`, {
    code: 'CONFIG_INVALID',
    retriable: false,
  });
}

/** `a:9092,b:9092` as a list. */
export const hostList = z
  .string()
  .min(1)
  .transform((text) => text.split(',').map((host) => host.trim()))
  .refine((hosts) => hosts.every((host) => /^[^\s:]+:\d+$/.test(host)), 'expected HOST:PORT[,HOST:PORT…]');

/** `http://a:8123,http://b:8123` as a list of different addresses. */
export const urlList = z
  .string()
  .transform((text) => text.split(',').map((url) => url.trim()))
  .refine((urls) => urls.every((url) => URL.canParse(url)), 'expected URL[,URL…]')
  .refine((urls) => new Set(urls).size === urls.length, 'an address is there twice');

/** A whole number within bounds, with a default; environment variables are text. */
export function wholeNumber(min: number, max: number, fallback: number): z.ZodDefault<z.ZodCoercedNumber> {
  return z.coerce.number().int().min(min).max(max).default(fallback);
}

/** What every service that talks to Kafka reads. */
export const kafkaConfig = z.object({
  TALLY_KAFKA: hostList,
  TALLY_TOPIC_PREFIX: z.string().default(''),
});

/** What every service that talks to ClickHouse reads. */
export const clickhouseConfig = z.object({
  TALLY_CLICKHOUSE_URL: z.url(),
  TALLY_CLICKHOUSE_DATABASE: z
    .string()
    .regex(/^[a-z_][a-z0-9_]*$/)
    .default('tally'),
  TALLY_CLICKHOUSE_USER: z.string().default('default'),
  TALLY_CLICKHOUSE_PASSWORD: z.string().default(''),
  /** A cluster's shards in their order, the first as TALLY_CLICKHOUSE_URL; absent: one server. See docs/cluster.md. */
  TALLY_CLICKHOUSE_SHARDS: urlList.optional(),
  /** What the servers' `<remote_servers>` calls the cluster of these shards. */
  TALLY_CLICKHOUSE_CLUSTER: z.string().regex(/^\w+$/).default('tally'),
  /** `1` where each shard has replicas. */
  TALLY_CLICKHOUSE_REPLICATED: z
    .enum(['0', '1'])
    .default('0')
    .transform((text) => text === '1'),
});

/** What every service reads. */
export const processConfig = z.object({
  /** `1` when a supervisor holds standard input open: the service ends when that ends. */
  TALLY_SUPERVISED: z
    .enum(['0', '1'])
    .default('0')
    .transform((text) => text === '1'),
  /** Where a service writes its address once it listens, for whoever started it. */
  TALLY_READY_FILE: z.string().min(1).optional(),
  TALLY_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});
