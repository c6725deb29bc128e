/**
 * How traces are asked for, and that nothing is done where they are not.
 */
import { trace } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { parseConfig, processConfig } from './config.ts';
import { createLog } from './log.ts';
import { inSpan, startTracing } from './tracing.ts';

const log = createLog('test', 'silent');

describe('tracing’s configuration', () => {
  it.each([
    {},
    { OTEL_TRACES_EXPORTER: 'none' },
    { OTEL_TRACES_EXPORTER: '' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' },
    { OTEL_TRACES_EXPORTER: 'otlp', OTEL_SDK_DISABLED: 'true' },
  ])('%j leaves it off', async (env) => {
    const config = parseConfig(processConfig, env);
    expect(await startTracing({ service: 'test', config, log })).toBeUndefined();
    expect(await inSpan(undefined, 'work', {}, async (span) => [span, trace.getActiveSpan()])).toEqual([
      undefined,
      undefined,
    ]);
  });

  it.each([
    { OTEL_TRACES_EXPORTER: 'jaeger' },
    { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector' },
    { OTEL_TRACES_SAMPLER: 'sometimes' },
    { OTEL_TRACES_SAMPLER_ARG: '2' },
    { OTEL_RESOURCE_ATTRIBUTES: 'a' },
    { OTEL_RESOURCE_ATTRIBUTES: 'a=%' },
    { OTEL_SDK_DISABLED: 'maybe' },
  ])('%j is a fault', (env) => {
    expect(() => parseConfig(processConfig, env)).toThrow(Object.keys(env)[0]);
  });

  it('takes a variable that is empty for one that is not set, and attributes percent-encoded', () => {
    const config = parseConfig(processConfig, {
      OTEL_EXPORTER_OTLP_ENDPOINT: '',
      OTEL_TRACES_SAMPLER: '',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=prod,team=a%2Cb',
    });
    expect(config).toMatchObject({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318',
      OTEL_TRACES_SAMPLER: 'parentbased_always_on',
      OTEL_RESOURCE_ATTRIBUTES: { 'deployment.environment.name': 'prod', team: 'a,b' },
    });
  });
});
