/**
 * What each part of the image takes from its environment and where it listens, as its own code says: what compose and the
 * Kubernetes manifests are held against.
 */
import { aggregatorConfig } from '@tally/aggregator';
import { apiConfig } from '@tally/api';
import { consumerConfig } from '@tally/consumer';
import { gatewayConfig, stopMsMaxOf } from '@tally/gateway';
import { notifierConfig } from '@tally/notifier';
import { clickhouseConfig, kafkaConfig, parseConfig } from '@tally/platform/config';
import { STOP_MS_MAX_DEFAULT } from '@tally/platform/shutdown';
import { z } from 'zod';

export interface Part {
  config: z.ZodObject;
  /** Where it listens unless told otherwise; a command listens nowhere. */
  port?: number;
}

const portOf = (variable: z.ZodType): number => z.number().parse(variable.parse(undefined));

/** By what the image is told to be: its first argument. */
export const PARTS: Readonly<Record<string, Part>> = {
  gateway: { config: gatewayConfig, port: portOf(gatewayConfig.shape.TALLY_GATEWAY_PORT) },
  consumer: { config: consumerConfig, port: portOf(consumerConfig.shape.TALLY_CONSUMER_PORT) },
  aggregator: { config: aggregatorConfig, port: portOf(aggregatorConfig.shape.TALLY_AGGREGATOR_PORT) },
  notifier: { config: notifierConfig, port: portOf(notifierConfig.shape.TALLY_NOTIFIER_PORT) },
  api: { config: apiConfig, port: portOf(apiConfig.shape.TALLY_API_PORT) },
  migrate: { config: z.object({ ...kafkaConfig.shape, ...clickhouseConfig.shape }) },
};

export type Environment = Readonly<Record<string, string>>;

/** Variables that the part does not know, and values that it refuses, a line each. */
export function environmentFaults(part: string, env: Environment): string[] {
  const config = PARTS[part]?.config;
  if (config === undefined) return [`${part}: there is no such part of the image`];
  const unknown = Object.keys(env).filter((name) => !(name in config.shape));
  const refused = config.safeParse(env).error?.issues ?? [];
  return [
    ...unknown.map((name) => `${part}: ${name} is no setting of it`),
    ...refused.map((issue) => `${part}: ${issue.path.join('.')}: ${issue.message}`),
  ];
}

/** How long the part may take to end by its own account, milliseconds. */
export function stopMsMax(part: string, env: Environment): number {
  return part === 'gateway' ? stopMsMaxOf(parseConfig(gatewayConfig, env)) : STOP_MS_MAX_DEFAULT;
}
