/**
 * Configuration comes from the environment, through one zod schema per service, parsed once at start. All faults are
 * reported together.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { messageOf, TallyError } from './errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Variables whose value may stand in a file instead, as containers are given secrets: `NAME_FILE` names it. */
const IN_FILES = [
  'TALLY_ADMIN_KEY',
  'TALLY_CLICKHOUSE_PASSWORD',
  'TALLY_IDENTIFIER_SECRET',
  'TALLY_KAFKA_SASL_PASSWORD',
  'TALLY_PRODUCER_KEYS',
  'TALLY_SMTP_PASSWORD',
] as const;

/** Parses an environment. Throws TallyError `CONFIG_INVALID`, whose message has one line per fault. */
export function parseConfig<Shape extends z.ZodType>(schema: Shape, env: Environment): z.infer<Shape> {
  const { values, faults } = withFiles(env);
  const parsed = schema.safeParse(values);
  if (parsed.success && faults.length === 0) return parsed.data;
  // A variable whose file is at fault is missing as well: one line says it.
  const told = new Set(faults.map(({ name }) => name));
  const others = (parsed.error?.issues ?? []).filter((issue) => !told.has(String(issue.path[0])));
  throw configInvalid([
    ...faults.map(({ name, what }) => `${name}_FILE: ${what}`),
    ...others.map((issue) => `${issue.path.join('.')}: ${faultOf(issue, values)}`),
  ]);
}

/** In the words of an environment, where a value that is missing is a variable that nobody set. */
function faultOf({ path, code, message }: z.core.$ZodIssue, env: Environment): string {
  return code === 'invalid_type' && env[String(path[0])] === undefined ? 'is not set' : message;
}

/** What a configuration with these faults is refused with. */
export function configInvalid(faults: readonly string[]): TallyError {
  const lines = faults.map((fault) => `  ${fault}`).join('\n');
  return new TallyError(`the configuration has ${faults.length} fault(s):\n${lines}`, {
    code: 'CONFIG_INVALID',
    retriable: false,
  });
}

/** A secret of the environment, or of the file that it names. Throws `CONFIG_INVALID` when that cannot be read. */
export function secretOf(env: Environment, name: (typeof IN_FILES)[number]): string | undefined {
  const { values, faults } = withFiles(env);
  const fault = faults.find((one) => one.name === name);
  if (fault) throw configInvalid([`${name}_FILE: ${fault.what}`]);
  return values[name];
}

/** The environment with what stands in files; one line break at the end of a file is not part of the value. */
function withFiles(env: Environment): { values: Environment; faults: { name: string; what: string }[] } {
  const values: Record<string, string | undefined> = { ...env };
  const faults: { name: string; what: string }[] = [];
  for (const name of IN_FILES) {
    const path = env[`${name}_FILE`];
    if (!path) continue;
    if (env[name]) faults.push({ name, what: `${name} is set as well, only one may be` });
    try {
      values[name] = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
    } catch (error) {
      faults.push({ name, what: messageOf(error) });
    }
  }
  return { values, faults };
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

/** The path of a PEM file; the value is what stands in it. Empty: there is none. */
const pemFile = z
  .string()
  .default('')
  .transform((path, context): string | undefined => {
    if (path === '') return undefined;
    try {
      const pem = readFileSync(path, 'utf8');
      if (pem.includes('-----BEGIN ')) return pem;
      context.addIssue(`${path} is not a PEM file`);
    } catch (error) {
      context.addIssue(messageOf(error));
    }
    return z.NEVER;
  });

const yesOrNo = z
  .enum(['0', '1'])
  .default('0')
  .transform((text) => text === '1');

const REPLICAS_MAX = 15;

/** What every service that talks to Kafka reads. */
export const kafkaConfig = z.object({
  TALLY_KAFKA: hostList,
  TALLY_TOPIC_PREFIX: z.string().default(''),
  /** `1`: the brokers are spoken to over TLS. */
  TALLY_KAFKA_TLS: yesOrNo,
  /** Who may have signed the brokers' certificates; empty: those that Node trusts. */
  TALLY_KAFKA_CA_FILE: pemFile,
  /** A certificate and key of the client's own, where the brokers ask for one. */
  TALLY_KAFKA_CERT_FILE: pemFile,
  TALLY_KAFKA_KEY_FILE: pemFile,
  /** Empty: the brokers are not told who calls. */
  TALLY_KAFKA_SASL_MECHANISM: z.enum(['', 'plain', 'scram-sha-256', 'scram-sha-512']).default(''),
  TALLY_KAFKA_SASL_USER: z.string().default(''),
  TALLY_KAFKA_SASL_PASSWORD: z.string().default(''),
  /** Fewer copies of a topic than this are refused at start; without it, the smaller of 3 and the number of brokers. */
  TALLY_REPLICATION_FACTOR_MIN: z.coerce.number().int().min(1).max(REPLICAS_MAX).optional(),
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
  /** Who may have signed the certificate of an `https` address; empty: those that Node trusts. */
  TALLY_CLICKHOUSE_CA_FILE: pemFile,
  /** A cluster's shards in their order, the first as TALLY_CLICKHOUSE_URL; absent: one server. See docs/cluster.md. */
  TALLY_CLICKHOUSE_SHARDS: urlList.optional(),
  /** What the servers' `<remote_servers>` calls the cluster of these shards. */
  TALLY_CLICKHOUSE_CLUSTER: z.string().regex(/^\w+$/).default('tally'),
  /** `1` where each shard has replicas. */
  TALLY_CLICKHOUSE_REPLICATED: yesOrNo,
  /** The servers beside the shards, in any order, where tables are to be made on each rather than `ON CLUSTER`. */
  TALLY_CLICKHOUSE_REPLICAS: urlList.optional(),
});

const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

/** OpenTelemetry takes a variable that is empty for one that is not set. */
function unlessEmpty<Shape extends z.ZodType>(shape: Shape): z.ZodPreprocess<Shape> {
  return z.preprocess((text) => (text === '' ? undefined : text), shape);
}

/** `a=1,b=two` as a record; values are percent-encoded. */
const attributeList = z
  .string()
  .regex(/^[^=,]+=[^=,]*(?:,[^=,]+=[^=,]*)*$/, 'expected NAME=VALUE[,NAME=VALUE…]')
  .transform((text, context): Record<string, string> => {
    try {
      return Object.fromEntries(
        text.split(',').map((pair) => pair.split('=').map((part) => decodeURIComponent(part.trim()))),
      );
    } catch {
      context.addIssue('a value is not percent-encoded');
      return z.NEVER;
    }
  });

/**
 * Traces: OpenTelemetry's own names and meanings, but for the exporter, which is off unless it is asked for. The SDK reads
 * further ones by itself: `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_BSP_…`, the limits and certificates.
 */
const tracingConfig = z.object({
  OTEL_SDK_DISABLED: unlessEmpty(z.stringbool().default(false)),
  OTEL_TRACES_EXPORTER: unlessEmpty(z.enum(['none', 'otlp']).default('none')),
  OTEL_EXPORTER_OTLP_ENDPOINT: unlessEmpty(z.url().default('http://localhost:4318')),
  /** In place of the endpoint above with `/v1/traces`. */
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: unlessEmpty(z.url().optional()),
  OTEL_EXPORTER_OTLP_PROTOCOL: unlessEmpty(z.enum(['http/protobuf', 'http/json']).default('http/protobuf')),
  /** How long one export may take, milliseconds. */
  OTEL_EXPORTER_OTLP_TIMEOUT: unlessEmpty(wholeNumber(1, 600_000, 10_000)),
  OTEL_TRACES_SAMPLER: unlessEmpty(z.enum(SAMPLERS).default('parentbased_always_on')),
  /** Of the samplers by ratio: the share of traces that is recorded. */
  OTEL_TRACES_SAMPLER_ARG: unlessEmpty(z.coerce.number().min(0).max(1).default(1)),
  OTEL_SERVICE_NAME: unlessEmpty(z.string().optional()),
  OTEL_RESOURCE_ATTRIBUTES: unlessEmpty(attributeList.optional()),
});

export type TracingConfig = z.infer<typeof tracingConfig>;

/** What every service reads. */
export const processConfig = z.object({
  ...tracingConfig.shape,
  /** `1` when a supervisor holds standard input open: the service ends when that ends. */
  TALLY_SUPERVISED: yesOrNo,
  /** Where a service writes its address once it listens, for whoever started it. */
  TALLY_READY_FILE: z.string().min(1).optional(),
  TALLY_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});
