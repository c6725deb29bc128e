/**
 * The files of infra/observability as tests read them: every expression of a rule or a panel with where it stands.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';

export const OBSERVABILITY = fileURLToPath(new URL('../../infra/observability', import.meta.url));
const DASHBOARDS = join(OBSERVABILITY, 'grafana/dashboards');

const annotations = z.object({ summary: z.string().min(1), description: z.string().min(1), runbook_url: z.string() });
const alertSchema = z.object({
  alert: z.string(),
  expr: z.string(),
  for: z.string().regex(/^[1-9]\d*[mh]$/),
  labels: z.strictObject({ severity: z.enum(['critical', 'warning']) }),
  annotations,
});
const recordSchema = z.strictObject({ record: z.string(), expr: z.string() });
const rulesSchema = z.object({
  groups: z.array(z.object({ name: z.string(), rules: z.array(z.union([alertSchema, recordSchema])) })),
});

const datasource = z.object({ type: z.literal('prometheus'), uid: z.string().regex(/^\$\{datasource\}$/) });
const panelSchema = z.object({
  id: z.number().int().positive(),
  type: z.enum(['stat', 'timeseries']),
  title: z.string().min(1),
  description: z.string().min(1),
  datasource,
  gridPos: z.object({
    x: z.number().min(0).max(23),
    y: z.number().min(0),
    w: z.number().min(1).max(24),
    h: z.number().min(1),
  }),
  targets: z
    .array(z.object({ refId: z.string(), datasource, expr: z.string().min(1), legendFormat: z.string() }))
    .min(1),
  fieldConfig: z.object({ defaults: z.object({ unit: z.string().min(1) }), overrides: z.array(z.unknown()) }),
  options: z.record(z.string(), z.unknown()),
});
const dashboardSchema = z.object({
  uid: z.string().regex(/^[a-z-]{1,40}$/),
  title: z.string().min(1),
  schemaVersion: z.number().int().min(36),
  tags: z.array(z.string()),
  time: z.object({ from: z.string(), to: z.string() }),
  templating: z.object({ list: z.array(z.object({ name: z.string(), type: z.string() })) }),
  panels: z.array(panelSchema).min(1),
});

export type Alert = z.infer<typeof alertSchema>;
export type Dashboard = z.infer<typeof dashboardSchema>;

export interface Expression {
  /** For a person: which rule, or which panel of which dashboard. */
  where: string;
  expr: string;
  kind: 'alert' | 'record' | 'panel';
}

/** Throws where a rule lacks what each must have. */
export function readRules(): { alerts: Alert[]; records: z.infer<typeof recordSchema>[] } {
  const { groups } = rulesSchema.parse(parse(readFileSync(join(OBSERVABILITY, 'rules/tally.rules.yml'), 'utf8')));
  const rules = groups.flatMap((group) => group.rules);
  return {
    alerts: rules.flatMap((rule) => ('alert' in rule ? [rule] : [])),
    records: rules.flatMap((rule) => ('record' in rule ? [rule] : [])),
  };
}

/** By file name. Throws where a dashboard lacks what Grafana needs of it. */
export function readDashboards(): Map<string, Dashboard> {
  const files = readdirSync(DASHBOARDS);
  const read = (file: string): Dashboard =>
    dashboardSchema.parse(JSON.parse(readFileSync(join(DASHBOARDS, file), 'utf8')));
  return new Map(files.map((file) => [file, read(file)]));
}

/** All there are. Grafana's own interval stands as five minutes, since Prometheus does not know it. */
export function expressions(): Expression[] {
  const { alerts, records } = readRules();
  const panels = [...readDashboards().values()].flatMap(({ title, panels: all }) =>
    all.flatMap((panel) => panel.targets.map(({ expr }) => ({ where: `${title} / ${panel.title}`, expr }))),
  );
  return [
    ...alerts.map(({ alert, expr }): Expression => ({ where: alert, expr, kind: 'alert' })),
    ...records.map(({ record, expr }): Expression => ({ where: record, expr, kind: 'record' })),
    ...panels.map(
      ({ where, expr }): Expression => ({
        where,
        expr: expr.replaceAll('$__rate_interval', '5m'),
        kind: 'panel',
      }),
    ),
  ];
}
