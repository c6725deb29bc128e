// The brokers of a data directory: one, or several that are one cluster.

import { randomBytes } from 'node:crypto';
import { LocalStackError } from '../errors.ts';
import type { Supervised } from '../supervise.ts';
import {
  type BrokerOptions,
  brokerName,
  knownBrokers,
  knownClusterId,
  prepareBroker,
  type SecuredListener,
} from './broker.ts';

export interface ClusterOptions
  extends Omit<BrokerOptions, 'nodeId' | 'port' | 'controllerPorts' | 'clusterId' | 'secured' | 'java'> {
  java: string;
  /** One for each broker, as the two below. */
  ports: readonly number[];
  controllerPorts: readonly number[];
  securedPorts: readonly number[];
  secured: SecuredListener | undefined;
}

export interface Broker {
  /** `kafka`, `kafka-2`, … */
  name: string;
  nodeId: number;
  /** `host:port` of the plain listener. */
  address: string;
  /** `host:port` of the listener with TLS and SASL. */
  securedAddress: string | undefined;
  supervised: Supervised;
}

const HOST = '127.0.0.1';

/** A letter first: Kafka's tool would take an id that begins with a dash for an option. */
export function newClusterId(): string {
  return `T${randomBytes(16).toString('base64url').slice(1)}`;
}

/**
 * Prepares every broker of a cluster; they are to be started side by side, since none is ready before most are.
 * @throws LocalStackError KAFKA_DID_NOT_START for a directory of another number of brokers, or if formatting fails
 */
export async function prepareCluster(options: ClusterOptions): Promise<Broker[]> {
  const { ports, securedPorts, secured, ...shared } = options;
  const known = knownBrokers(options.dataDir);
  if (known !== 0 && known !== ports.length) {
    throw new LocalStackError(
      'KAFKA_DID_NOT_START',
      `${options.dataDir} holds a cluster of ${known} broker(s), not of ${ports.length}: start it with so many, or choose another data directory.`,
    );
  }
  const clusterId = knownClusterId(options.dataDir) ?? newClusterId();
  return Promise.all(
    ports.map(async (port, index): Promise<Broker> => {
      const nodeId = index + 1;
      const securedPort = secured ? (securedPorts[index] ?? 0) : undefined;
      const listener = secured && securedPort !== undefined ? { ...secured, port: securedPort } : undefined;
      return {
        name: brokerName(nodeId),
        nodeId,
        address: `${HOST}:${port}`,
        securedAddress: securedPort === undefined ? undefined : `${HOST}:${securedPort}`,
        supervised: await prepareBroker({ ...shared, nodeId, port, clusterId, secured: listener }),
      };
    }),
  );
}
