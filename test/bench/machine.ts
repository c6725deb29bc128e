/**
 * What the figures were measured on.
 */
import { availableParallelism, cpus, totalmem } from 'node:os';
import type { ClickHouse } from '@tally/platform/clickhouse';

export interface Machine {
  cores: number;
  processor: string;
  memoryBytes: number;
  node: string;
  clickhouse: string;
}

export async function thisMachine(clickhouse: ClickHouse): Promise<Machine> {
  const { version } = await clickhouse.queryOne<{ version: string }>('SELECT version() AS version');
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    memoryBytes: totalmem(),
    node: process.versions.node,
    clickhouse: version,
  };
}
