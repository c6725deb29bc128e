/**
 * Runs the simulator against an instance: half through the client, half through the gateway, malformed records as they
 * are.
 */
import { createKafka, Sender } from '@tally/platform/kafka';
import { createLog } from '@tally/platform/log';
import { connectProducer } from '@tally/producer';
import { topicNames } from '@tally/schemas';
import { generateSends, type SendAllResult, sendAll, Truth } from '@tally/simulator';
import type { Instance } from './instance.ts';
import { progressBar } from './progress.ts';

export interface SimulationOptions {
  seed: number;
  events: number;
  tenants?: number;
  /** The last moment of the 14 months, UTC. */
  until: Date;
}

export interface Simulation {
  truth: Truth;
  result: SendAllResult;
  /** Time it took to send, milliseconds. */
  durationMs: number;
}

const RAW_DELIVERY_TIMEOUT_MS = 60_000;

/** Sends everything and resolves when all of it is acknowledged or refused. */
export async function simulate(instance: Instance, options: SimulationOptions): Promise<Simulation> {
  const log = createLog('simulate', 'error');
  const topics = topicNames();
  const producer = await connectProducer({ brokers: [instance.kafka], clientId: 'tally-simulate', log });
  const raw = new Sender({
    kafka: createKafka({ brokers: [instance.kafka], clientId: 'tally-simulate-raw', log }),
    log,
    deliveryTimeoutMs: RAW_DELIVERY_TIMEOUT_MS,
  });
  const truth = new Truth();
  const bar = progressBar('sending', options.events, 'sends');
  const startedAt = Date.now();
  try {
    const result = await sendAll({
      sends: generateSends(options),
      producer,
      gatewayUrl: instance.gateway,
      gatewayKey: instance.adminKey,
      sendRaw: (records) => raw.send(records.map((record) => ({ ...record, topic: topics[record.topic] }))),
      truth,
      onProgress: (sent) => bar.update(sent),
    });
    bar.finish(result.sent);
    return { truth, result, durationMs: Date.now() - startedAt };
  } finally {
    bar.stop();
    await producer.close();
    await raw.close();
  }
}
