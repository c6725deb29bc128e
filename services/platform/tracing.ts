/**
 * Traces by OpenTelemetry, off unless `OTEL_TRACES_EXPORTER=otlp`: then nothing of the SDK is loaded, and what asks the API
 * for a span is told that there is none.
 */
import {
  type Attributes,
  type Context,
  context,
  type DiagLogFunction,
  DiagLogLevel,
  diag,
  propagation,
  type Span,
  type SpanOptions,
  SpanStatusCode,
  type TextMapPropagator,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { TracingConfig } from './config.ts';
import { messageOf } from './errors.ts';
import type { Logger } from './log.ts';
import { VERSION } from './version.ts';

export interface Tracing {
  tracer: Tracer;
  /** W3C `traceparent` and `tracestate`. */
  propagator: TextMapPropagator;
  /** Exports what has ended, for as long as one export may take, and then records nothing more. Never throws. */
  stop: () => Promise<void>;
}

export interface TracingOptions {
  /** Name of the service among ours; it is `tally-NAME` among all, unless `OTEL_SERVICE_NAME` says otherwise. */
  service: string;
  config: TracingConfig;
  log: Logger;
}

const TRACES_PATH = 'v1/traces';

/**
 * Begins to record spans for this process, or does nothing and returns undefined where the configuration does not ask
 * for it. What cannot be exported is dropped and logged: no event waits for it.
 */
export async function startTracing({ service, config, log }: TracingOptions): Promise<Tracing | undefined> {
  if (config.OTEL_TRACES_EXPORTER === 'none' || config.OTEL_SDK_DISABLED) return undefined;
  const [{ BasicTracerProvider, BatchSpanProcessor }, contexts, { W3CTraceContextPropagator }, resources] =
    await Promise.all([
      import('@opentelemetry/sdk-trace-base'),
      import('@opentelemetry/context-async-hooks'),
      import('@opentelemetry/core'),
      import('@opentelemetry/resources'),
    ]);
  diag.setLogger(toPino(log), DiagLogLevel.WARN);
  const provider = new BasicTracerProvider({
    resource: resources.resourceFromAttributes({
      ...config.OTEL_RESOURCE_ATTRIBUTES,
      'service.name': config.OTEL_SERVICE_NAME ?? `tally-${service}`,
      'service.namespace': 'tally',
      'service.version': VERSION,
      'process.pid': process.pid,
    }),
    sampler: await samplerOf(config),
    spanProcessors: [new BatchSpanProcessor(await exporterOf(config))],
  });
  const propagator = new W3CTraceContextPropagator();
  // The API has one of each for a process, so that a library such as our producer finds those of whoever uses it.
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new contexts.AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(propagator);
  log.info({ endpoint: endpointOf(config), sampler: config.OTEL_TRACES_SAMPLER }, 'traces are recorded');
  return {
    tracer: provider.getTracer('tally', VERSION),
    propagator,
    stop: () => provider.shutdown().catch((err: unknown) => log.warn({ err }, 'spans could not be exported')),
  };
}

/** Runs work within a span, if there is tracing: its child spans and log lines are under it, and what it throws is noted. */
export async function inSpan<Result>(
  tracing: Pick<Tracing, 'tracer'> | undefined,
  name: string,
  { parent = context.active(), ...options }: SpanOptions & { parent?: Context },
  work: (span?: Span) => Promise<Result>,
): Promise<Result> {
  if (!tracing) return work();
  return tracing.tracer.startActiveSpan(name, options, parent, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      failed(span, error);
      throw error;
    } finally {
      span.end();
    }
  });
}

/** Notes that what a span is about has failed. */
export function failed(span: Span, error: unknown): void {
  const attributes: Attributes = { 'error.type': error instanceof Error ? error.name : 'unknown' };
  span.setAttributes(attributes).setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
}

function endpointOf(config: TracingConfig): string {
  const whole = config.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
  return whole ?? `${config.OTEL_EXPORTER_OTLP_ENDPOINT.replace(/\/$/, '')}/${TRACES_PATH}`;
}

async function exporterOf(config: TracingConfig) {
  const { OTLPTraceExporter } =
    config.OTEL_EXPORTER_OTLP_PROTOCOL === 'http/json'
      ? await import('@opentelemetry/exporter-trace-otlp-http')
      : await import('@opentelemetry/exporter-trace-otlp-proto');
  return new OTLPTraceExporter({ url: endpointOf(config), timeoutMillis: config.OTEL_EXPORTER_OTLP_TIMEOUT });
}

async function samplerOf({ OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: ratio }: TracingConfig) {
  const { AlwaysOffSampler, AlwaysOnSampler, ParentBasedSampler, TraceIdRatioBasedSampler } = await import(
    '@opentelemetry/sdk-trace-base'
  );
  const root = name.endsWith('always_on')
    ? new AlwaysOnSampler()
    : name.endsWith('always_off')
      ? new AlwaysOffSampler()
      : new TraceIdRatioBasedSampler(ratio);
  return name.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root;
}

function toPino(log: Logger): Record<'error' | 'warn' | 'info' | 'debug' | 'verbose', DiagLogFunction> {
  const at =
    (level: 'warn' | 'debug'): DiagLogFunction =>
    (message, ...details) =>
      log[level]({ opentelemetry: [message, ...details.map(messageOf)] }, 'tracing');
  return { error: at('warn'), warn: at('warn'), info: at('debug'), debug: at('debug'), verbose: at('debug') };
}
