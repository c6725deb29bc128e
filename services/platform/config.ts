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
  TALLY_SUPERVISED: z
    .enum(['0', '1'])
    .default('0')
    .transform((text) => text === '1'),
  /** Where a service writes its address once it listens, for whoever started it. */
  TALLY_READY_FILE: z.string().min(1).optional(),
  TALLY_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});
