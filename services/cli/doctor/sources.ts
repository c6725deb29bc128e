/**
 * What the doctor looks at: the Kafka and the ClickHouse of an instance, or those that the environment names.
 */
import { resolve } from 'node:path';
import type { Connection } from '../connection.ts';

export interface DoctorSources extends Pick<Connection, 'kafka' | 'admin' | 'clickhouse' | 'topics' | 'groupId'> {
  env: Readonly<Record<string, string | undefined>>;
  /** Of the instance; undefined where the environment says where everything is. */
  dataDir: string | undefined;
  clock: () => number;
}

export function doctorSources(
  connection: Connection,
  { data, env, clock }: { data: string } & Pick<DoctorSources, 'env' | 'clock'>,
): DoctorSources {
  const { kafka, admin, clickhouse, topics, groupId } = connection;
  const dataDir = env['TALLY_KAFKA'] === undefined ? resolve(data) : undefined;
  return { kafka, admin, clickhouse, topics, groupId, env, dataDir, clock };
}
