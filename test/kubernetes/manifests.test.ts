import { createHttpServer, createRegistry } from '@tally/platform/http';
import { createLog } from '@tally/platform/log';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { environmentFaults, PARTS, stopMsMax } from '../containers/services.ts';
import { environmentOf, kustomized, manifests, type Workload, workload } from './manifests.ts';
import { schemaFaults } from './schema-faults.ts';

const all = manifests();
const resources = all.map(({ resource }) => resource);
const named = (kind: string): Map<string, unknown> =>
  new Map(resources.filter((one) => one.kind === kind).map((one) => [one.metadata.name, one]));
const workloads = resources
  .filter(({ kind }) => kind === 'Deployment' || kind === 'Job')
  .map((one) => workload.parse(one));
const containerOf = ({ spec }: Workload) => spec.template.spec.containers[0];
const byPart = workloads.map((one) => [containerOf(one).args[0] ?? '', one] as const);
const services = byPart.filter(([part]) => PARTS[part]?.port !== undefined);

/** A copy of the gateway's Deployment, changed. */
function changed(change: (copy: z.infer<typeof anyTree>) => void): unknown {
  const copy = anyTree.parse(structuredClone(named('Deployment').get('tally-gateway')));
  change(copy);
  return copy;
}
const anyTree = z.looseObject({
  spec: z.looseObject({
    template: z.looseObject({
      spec: z.looseObject({
        containers: z.array(z.looseObject({ readinessProbe: z.record(z.string(), z.unknown()) })),
      }),
    }),
  }),
});

describe('schemas of Kubernetes', () => {
  it.each(all.map(({ file, resource }) => [file, resource.kind, resource] as const))(
    'take %s: %s',
    (_f, _k, resource) => {
      expect(schemaFaults(resource)).toEqual([]);
    },
  );

  it.each([
    ['a field that is misspelt', (copy) => Object.assign(copy.spec, { replica: 2 }), '/spec/replica: no such field'],
    [
      'a field in the wrong place',
      (copy) => Object.assign(copy.spec.template, { containers: [] }),
      '/spec/template/containers: no such field',
    ],
    [
      'a misspelt field deep inside',
      (copy) => Object.assign(copy.spec.template.spec.containers[0] ?? {}, { imagePolicy: 'Always' }),
      '/spec/template/spec/containers/0/imagePolicy: no such field',
    ],
    ['a text for a number', (copy) => Object.assign(copy.spec, { replicas: 'two' }), '/spec/replicas: must be integer'],
    [
      'a field that is missing',
      (copy) => Object.assign(copy.spec, { selector: undefined }),
      '/spec: must have required property selector',
    ],
    ['another kind', (copy) => Object.assign(copy, { kind: 'Deploiement' }), '/: there is no Deploiement in apps/v1'],
  ] as [string, (copy: z.infer<typeof anyTree>) => unknown, string][])('refuse %s', (_what, change, fault) => {
    expect(schemaFaults(changed(change)).map((line) => line.replace(/, .*/, ''))).toContain(fault);
  });
});

describe('kustomization.yaml', () => {
  it('names every file once', () => {
    expect(kustomized().toSorted()).toEqual([...new Set(all.map(({ file }) => file))].toSorted());
  });
});

describe('workloads', () => {
  it('are every part of the image, each once', () => {
    expect(byPart.map(([part]) => part).toSorted()).toEqual(Object.keys(PARTS).toSorted());
  });

  it.each(byPart)('give %s settings that it takes, and nothing else', (part, one) => {
    expect(environmentFaults(part, environmentOf(one, resources))).toEqual([]);
  });

  it('of a service do not get what Kubernetes would put beside its settings', () => {
    for (const { spec } of workloads) expect(spec.template.spec.enableServiceLinks).toBe(false);
    const linked = { ...environmentOf(gateway(), resources), TALLY_GATEWAY_PORT: 'tcp://10.0.0.1:8081' };
    expect(environmentFaults('gateway', linked)).toHaveLength(1);
  });

  it('with a setting that nobody has or a value that is refused are found out', () => {
    const env = environmentOf(gateway(), resources);
    expect(environmentFaults('gateway', { ...env, TALLY_GATEWAY_BODY_MAX: '5' })).toEqual([
      'gateway: TALLY_GATEWAY_BODY_MAX is no setting of it',
    ]);
    expect(environmentFaults('gateway', { ...env, TALLY_KAFKA: 'kafka' })).toHaveLength(1);
  });

  it('take every secret from Secret tally', () => {
    const secret = workloads.flatMap((one) =>
      containerOf(one).env.filter(({ name }) => /KEY|SECRET|PASSWORD/.test(name)),
    );
    expect(secret).not.toEqual([]);
    for (const { value, valueFrom } of secret) {
      expect(value).toBeUndefined();
      expect(valueFrom?.secretKeyRef.name).toBe('tally');
    }
    expect(named('Secret').size).toBe(0);
  });

  it.each(services)('open the port that %s listens on, and say so to Prometheus', (part, one) => {
    expect(containerOf(one).ports).toEqual([{ name: 'http', containerPort: PARTS[part]?.port }]);
    expect(one.spec.template.metadata.annotations).toEqual({
      'prometheus.io/scrape': 'true',
      'prometheus.io/port': String(PARTS[part]?.port),
      'prometheus.io/path': '/metrics',
    });
  });

  it.each(services)('ask %s for its health where it tells it', async (_part, one) => {
    const { startupProbe, livenessProbe, readinessProbe } = containerOf(one);
    const app = createHttpServer({
      log: createLog('test', 'silent'),
      registry: createRegistry(),
      ready: async () => ({ ok: true, detail: '' }),
      bodyBytesMax: 1,
      requestTimeoutMs: 1_000,
    });
    for (const probe of [startupProbe, livenessProbe, readinessProbe]) {
      expect(probe?.httpGet.port).toBe('http');
      expect(app.hasRoute({ method: 'GET', url: probe?.httpGet.path ?? '' })).toBe(true);
    }
    expect(readinessProbe?.httpGet.path).toBe('/health/ready');
    // Away Kafka or ClickHouse makes a service unready; to start it again would help nobody.
    expect(livenessProbe?.httpGet.path).toBe('/health/live');
    await app.close();
  });

  it.each(byPart)('give %s longer to stop than it may take', (part, one) => {
    const { terminationGracePeriodSeconds: grace } = one.spec.template.spec;
    const before = Number(containerOf(one).lifecycle?.preStop.exec.command[1] ?? 0);
    expect((grace - before) * 1_000).toBeGreaterThan(stopMsMax(part, environmentOf(one, resources)));
  });

  it.each(byPart)('run %s without rights, on a root that cannot be written', (_part, { spec }) => {
    const pod = spec.template.spec;
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(pod.containers[0].securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  it('of which there may be one only are never two, not for a moment', () => {
    for (const part of ['aggregator', 'notifier']) {
      const { spec } = workload.parse(named('Deployment').get(`tally-${part}`));
      expect(spec.replicas).toBe(1);
      expect(spec.strategy?.type).toBe('Recreate');
    }
  });
});

describe('what points at workloads', () => {
  const labelsOf = (name: string): Record<string, string> =>
    workload.parse(named('Deployment').get(name)).spec.template.metadata.labels;

  it.each(['tally-gateway', 'tally-api'])('Service %s leads to its pods', (name) => {
    const { spec } = z
      .looseObject({
        spec: z.object({
          selector: z.record(z.string(), z.string()),
          ports: z.array(z.object({ name: z.string(), port: z.number(), targetPort: z.literal('http') })),
        }),
      })
      .parse(named('Service').get(name));
    expect(labelsOf(name)).toEqual(spec.selector);
    expect(spec.ports[0]?.port).toBe(PARTS[name.replace('tally-', '')]?.port);
  });

  it('PodDisruptionBudgets are there for all of which there are several', () => {
    const several = workloads.filter(({ kind, spec }) => kind === 'Deployment' && spec.replicas !== 1);
    expect([...named('PodDisruptionBudget').keys()].toSorted()).toEqual(
      several.map((one) => one.metadata.name).toSorted(),
    );
    const budget = z.looseObject({
      spec: z.looseObject({ selector: z.object({ matchLabels: z.record(z.string(), z.string()) }) }),
    });
    for (const [name, one] of named('PodDisruptionBudget')) {
      expect(budget.parse(one).spec.selector.matchLabels).toEqual(labelsOf(name));
    }
  });

  it('the autoscaler’s Deployment says no number of its own', () => {
    const scaler = z
      .looseObject({
        spec: z.looseObject({
          scaleTargetRef: z.object({ kind: z.string(), apiVersion: z.string(), name: z.string() }),
        }),
      })
      .parse(named('HorizontalPodAutoscaler').get('tally-gateway'));
    const target = workload.parse(named('Deployment').get(scaler.spec.scaleTargetRef.name));
    expect(target.spec.replicas).toBeUndefined();
  });

  it('selectors find the pods of their own Deployment', () => {
    for (const { kind, spec } of workloads) {
      if (kind === 'Deployment') expect(spec.selector?.matchLabels).toEqual(spec.template.metadata.labels);
    }
  });
});

function gateway(): Workload {
  return workload.parse(named('Deployment').get('tally-gateway'));
}
