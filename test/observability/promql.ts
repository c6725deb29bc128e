/**
 * What a PromQL expression names, found with Prometheus's own grammar.
 */
import { parser } from '@prometheus-io/lezer-promql';

export interface Named {
  /** Whether all of it is PromQL. */
  parses: boolean;
  metrics: string[];
  /** Of matchers and groupings. */
  labels: string[];
}

export function named(expr: string): Named {
  const found: Named = { parses: true, metrics: [], labels: [] };
  parser.parse(expr).iterate({
    enter: ({ type, from, to, node }) => {
      const text = expr.slice(from, to);
      if (type.isError) found.parses = false;
      if (type.name === 'Identifier' && node.parent?.name === 'VectorSelector') found.metrics.push(text);
      if (type.name === 'LabelName') found.labels.push(text);
    },
  });
  return found;
}
