/**
 * Dashboards and rules as files: what they name exists and is documented. `npm run observability` asks a real Prometheus.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { documentedMetrics, SERVICES } from './documented-metrics.ts';
import { expressions, OBSERVABILITY, readDashboards, readRules } from './expressions.ts';
import { named } from './promql.ts';

/** Of targets, of alerts that fire, and what becomes of a metric's own label `job`. */
const LABELS_OF_PROMETHEUS = ['job', 'instance', 'service', 'exported_job', 'alertname', 'alertstate', 'le'];
const METRICS_OF_PROMETHEUS = ['up', 'ALERTS'];

const documented = documentedMetrics();
const { alerts, records } = readRules();

/** Metric or recorded rule → its own labels. */
const known = new Map<string, readonly string[]>([
  ...METRICS_OF_PROMETHEUS.map((name) => [name, []] as const),
  ...records.map(({ record, expr }) => [record, named(expr).labels] as const),
  ...documented.flatMap(({ name, type, labels }) => {
    const names = type === 'histogram' ? ['bucket', 'sum', 'count'].map((part) => `${name}_${part}`) : [name];
    return names.map((one) => [one, labels] as const);
  }),
]);

describe('expressions of rules and panels', () => {
  it.each(expressions())('$where is PromQL and names only what is documented', ({ expr }) => {
    const { parses, metrics, labels } = named(expr);
    expect(parses, expr).toBe(true);
    expect(metrics.length).toBeGreaterThan(0);
    expect(metrics.filter((name) => !known.has(name))).toEqual([]);
    const allowed = new Set([...LABELS_OF_PROMETHEUS, ...metrics.flatMap((name) => known.get(name) ?? [])]);
    expect(labels.filter((label) => !allowed.has(label))).toEqual([]);
  });

  it.each(['sum(', 'rate(up[5m]', 'sum by (x) up up'])('%s would be seen not to be PromQL', (expr) => {
    expect(named(expr).parses).toBe(false);
  });

  it('finds the names in an expression', () => {
    expect(named('sum by (topic) (rate(a_total{outcome="x"}[5m])) / on (b) c:d')).toEqual({
      parses: true,
      metrics: ['a_total', 'c:d'],
      labels: ['topic', 'outcome', 'b'],
    });
  });
});

describe('alerts', () => {
  it('have a name each, in capitals and lower case', () => {
    const names = alerts.map(({ alert }) => alert);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => !/^Tally(?:[A-Z][a-z]+)+$/.test(name))).toEqual([]);
  });

  it('have a section to read each, and no section is of an alert that is not', () => {
    const page = readFileSync(new URL('../../docs/prometheus-alerts.md', import.meta.url), 'utf8');
    const sections = [...page.matchAll(/^### (tally-[a-z-]+)$/gm)].map(
      ([, name]) => `docs/prometheus-alerts.md#${name}`,
    );
    expect(alerts.map(({ annotations }) => annotations.runbook_url)).toEqual(sections);
    expect(alerts.map(({ alert }) => kebab(alert))).toEqual(sections.map((section) => section.split('#')[1]));
  });

  it('have a case each of when they fire and of when they do not', () => {
    const { tests } = z
      .object({ tests: z.array(z.object({ name: z.string() })) })
      .parse(parse(readFileSync(join(OBSERVABILITY, 'rules/tally.test.yml'), 'utf8')));
    const cases = new Set(tests.map(({ name }) => name));
    expect(alerts.filter(({ alert }) => !cases.has(`${alert} fires`) || !cases.has(`${alert} is quiet`))).toEqual([]);
  });
});

describe('dashboards', () => {
  it.each([...readDashboards()])(
    '%s has ids of its own, no panels over others, and the data source to choose',
    (file, dashboard) => {
      const { uid, panels, templating, tags } = dashboard;
      expect(`${uid}.json`).toBe(file);
      expect(tags).toContain('tally');
      expect(templating.list).toContainEqual(expect.objectContaining({ name: 'datasource', type: 'datasource' }));
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
      expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
      const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
        Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
      );
      expect(new Set(cells).size).toBe(cells.length);
      expect(panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([]);
      for (const { targets } of panels) expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
    },
  );

  it('have a uid and a title each', () => {
    const all = [...readDashboards().values()];
    expect(new Set(all.map(({ uid }) => uid)).size).toBe(all.length);
    expect(new Set(all.map(({ title }) => title)).size).toBe(all.length);
  });
});

it('the targets of one machine name every service once', () => {
  const targets = z
    .array(
      z.object({
        targets: z.array(z.string().regex(/^127\.0\.0\.1:\d+$/)).length(1),
        labels: z.object({ service: z.enum(SERVICES) }),
      }),
    )
    .parse(parse(readFileSync(join(OBSERVABILITY, 'targets/local.yml'), 'utf8')));
  expect(targets.map(({ labels }) => labels.service).sort()).toEqual(SERVICES.toSorted());
});

function kebab(name: string): string {
  return name
    .replace('ClickHouse', 'Clickhouse')
    .replace(/(?<!^)([A-Z])/g, '-$1')
    .toLowerCase();
}
