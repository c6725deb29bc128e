/**
 * The manifests of infra/kubernetes, and the parts of them that are held against the services.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import type { Environment } from '../containers/services.ts';

const BASE = new URL('../../infra/kubernetes/base/', import.meta.url);

const resource = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), labels: z.record(z.string(), z.string()) }),
});
export type Resource = z.infer<typeof resource>;

const probe = z.object({ httpGet: z.object({ path: z.string(), port: z.string() }) }).loose();
const labels = z.record(z.string(), z.string());

export const container = z.looseObject({
  name: z.string(),
  image: z.string(),
  args: z.array(z.string()).min(1),
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })).default([]),
  envFrom: z.array(z.object({ configMapRef: z.object({ name: z.string() }) })).default([]),
  env: z
    .array(
      z.object({
        name: z.string(),
        value: z.string().optional(),
        valueFrom: z.object({ secretKeyRef: z.object({ name: z.string(), key: z.string() }) }).optional(),
      }),
    )
    .default([]),
  startupProbe: probe.optional(),
  livenessProbe: probe.optional(),
  readinessProbe: probe.optional(),
  lifecycle: z
    .object({ preStop: z.object({ exec: z.object({ command: z.tuple([z.literal('sleep'), z.string()]) }) }) })
    .optional(),
  securityContext: z.unknown(),
  resources: z.looseObject({ requests: labels, limits: labels }),
});

/** A Deployment or a Job. */
export const workload = z.looseObject({
  kind: z.enum(['Deployment', 'Job']),
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({
    replicas: z.number().optional(),
    strategy: z.looseObject({ type: z.string() }).optional(),
    selector: z.object({ matchLabels: labels }).optional(),
    template: z.object({
      metadata: z.object({ labels, annotations: labels.default({}) }),
      spec: z.looseObject({
        terminationGracePeriodSeconds: z.number(),
        enableServiceLinks: z.boolean().default(true),
        automountServiceAccountToken: z.boolean().default(true),
        securityContext: z.unknown(),
        containers: z.tuple([container]),
      }),
    }),
  }),
});
export type Workload = z.infer<typeof workload>;

/** Every document of every file, by its file; kustomization.yaml is no resource of a cluster. */
export function manifests(): { file: string; resource: Resource }[] {
  const files = readdirSync(BASE).filter((file) => file.endsWith('.yaml') && file !== 'kustomization.yaml');
  return files.flatMap((file) =>
    parseAllDocuments(readFileSync(new URL(file, BASE), 'utf8')).map((document) => ({
      file,
      resource: resource.parse(document.toJS()),
    })),
  );
}

/** The files that kustomization.yaml names. */
export function kustomized(): string[] {
  const kustomization: unknown = parse(readFileSync(new URL('kustomization.yaml', BASE), 'utf8'));
  return z.object({ resources: z.array(z.string()) }).parse(kustomization).resources;
}

/** What a container finds in its environment; a secret is something that any secret may be. */
export function environmentOf({ spec }: Workload, all: readonly Resource[]): Environment {
  const [{ env, envFrom }] = spec.template.spec.containers;
  const configMap = z.looseObject({ data: z.record(z.string(), z.string()) });
  const shared = envFrom.flatMap(({ configMapRef: { name } }) => {
    const found = all.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === name);
    return Object.entries(configMap.parse(found).data);
  });
  const own = env.map(({ name, value }) => [name, value ?? 'a-secret-of-enough-characters'] as const);
  return Object.fromEntries([...shared, ...own]);
}
