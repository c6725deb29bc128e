import { readFileSync } from 'node:fs';
import { IMAGES } from '@tally/containers';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { environmentFaults, PARTS, stopMsMax } from './services.ts';

const text = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');

const composeService = z.object({
  image: z.string(),
  command: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.coerce.string()).default({}),
  ports: z.array(z.string()).default([]),
  stop_grace_period: z.string().regex(/^\d+s$/),
  read_only: z.boolean().default(false),
  cap_drop: z.array(z.string()).default([]),
  security_opt: z.array(z.string()).default([]),
  deploy: z.object({ resources: z.object({ limits: z.object({ cpus: z.string(), memory: z.string() }) }) }),
});
const compose = z
  .object({ services: z.record(z.string(), composeService) })
  .parse(parse(text('docker-compose.yml'), { merge: true }));
const ours = Object.entries(compose.services).filter(([, { image }]) => image.includes('TALLY_IMAGE'));
const parts = ours.filter(([name]) => name !== 'tally');

/** As compose puts them in: defaults where there are some, else something that any secret may be. */
function filledIn(environment: Readonly<Record<string, string>>): Record<string, string> {
  const fill = (value: string): string =>
    value.replaceAll(/\$\{\w+:([-?])([^}]*)\}/g, (_, kind: string, rest: string) =>
      kind === '-' ? rest : 'a-secret-of-enough-characters',
    );
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, fill(value)]));
}

describe('docker-compose.yml', () => {
  it('runs every part of the image', () => {
    expect(parts.map(([name]) => name).toSorted()).toEqual(Object.keys(PARTS).toSorted());
  });

  it.each(parts)('gives %s settings that it takes, and nothing else', (name, { command, environment }) => {
    expect(command[0]).toBe(name);
    expect(environmentFaults(name, filledIn(environment))).toEqual([]);
  });

  it.each(parts)('gives %s longer to stop than it may take', (name, { environment, stop_grace_period: grace }) => {
    expect(Number.parseInt(grace, 10) * 1_000).toBeGreaterThan(stopMsMax(name, filledIn(environment)));
  });

  it.each(ours)('runs %s without rights, on a root that cannot be written', (_name, service) => {
    expect(service.read_only).toBe(true);
    expect(service.cap_drop).toEqual(['ALL']);
    expect(service.security_opt).toContain('no-new-privileges:true');
  });

  it.each(parts.filter(([, { ports }]) => ports.length > 0))('opens the port that %s listens on', (name, { ports }) => {
    expect(ports.map((port) => Number(port.split(':').at(-1)))).toEqual([PARTS[name]?.port]);
  });

  it('has no secret of its own: each must be set, and .env.example names it', () => {
    const secrets = [...text('docker-compose.yml').matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name ?? '');
    expect(new Set(secrets)).toEqual(new Set(['TALLY_ADMIN_KEY', 'TALLY_IDENTIFIER_SECRET', 'CLICKHOUSE_PASSWORD']));
    for (const name of secrets) expect(text('.env.example')).toMatch(new RegExp(`^${name}=$`, 'm'));
    const values = ours.flatMap(([, { environment }]) => Object.entries(environment));
    for (const [name, value] of values) {
      if (/ADMIN_KEY|SECRET|CLICKHOUSE_PASSWORD|TALLY_KEY/.test(name)) expect(value).toMatch(/^\$\{\w+:\?.+\}$/);
    }
  });
});

describe('images', () => {
  it('are the same in compose, the Dockerfile and the stand-ins', () => {
    expect(compose.services['kafka']?.image).toBe(IMAGES.kafka);
    expect(compose.services['clickhouse']?.image).toBe(IMAGES.clickhouse);
    expect(text('Dockerfile')).toContain(`\nARG NODE_IMAGE=${IMAGES.node}\n`);
    expect(text('infra/containers/stand-ins/clickhouse/Dockerfile')).toContain(`\nFROM ${IMAGES.node}\n`);
  });
});
