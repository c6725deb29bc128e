/**
 * The tables of docs/metrics.md, for tests that hold them against what there is.
 */
import { readFileSync } from 'node:fs';

export const SERVICES = ['gateway', 'consumer', 'aggregator', 'notifier', 'api'] as const;
export type Service = (typeof SERVICES)[number];

export interface DocumentedMetric {
  name: string;
  type: string;
  labels: string[];
  services: readonly Service[];
}

const PAGE = new URL('../../docs/metrics.md', import.meta.url);
const ROW = /^\| `(?<name>[a-z0-9_]+)` \| (?<type>\w+) \|(?<labels>[^|]*)\|[^|]*\| (?<services>[^|]+) \| [^|]+ \|$/;

/** Every row. Throws on a row of a metric that does not read as one. */
export function documentedMetrics(): DocumentedMetric[] {
  const rows = readFileSync(PAGE, 'utf8')
    .split('\n')
    .filter((line) => /^\| `[a-z]+_/.test(line));
  return rows.map((row) => {
    const { name = '', type = '', labels = '', services = '' } = ROW.exec(row)?.groups ?? {};
    if (name === '') throw new Error(`not a row of a metric: ${row}`);
    return {
      name,
      type,
      labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label),
      services: SERVICES.filter((service) => services === 'all' || services.split(', ').includes(service)),
    };
  });
}

export interface ScrapedMetric {
  name: string;
  type: string;
  /** Of all its samples together, without `le`. */
  labels: string[];
}

/** What a service tells at `/metrics`. */
export function scrapedMetrics(text: string): ScrapedMetric[] {
  const types = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)];
  return types.map(([, name = '', type = '']) => {
    const series = type === 'histogram' ? `${name}_(?:bucket|sum|count)` : name;
    const samples = [...text.matchAll(new RegExp(`^${series}\\{(.*)\\} \\S+$`, 'gm'))];
    const labels = samples.flatMap(([, set = '']) => [...set.matchAll(/(\w+)="/g)].map(([, label = '']) => label));
    return { name, type, labels: [...new Set(labels)].filter((label) => label !== 'le') };
  });
}
