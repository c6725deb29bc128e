/**
 * For services that ask Kafka only now and then: a user, a certificate or a port that is wrong shows when they start.
 */
import type { z } from 'zod';
import type { kafkaConfig } from '../config.ts';
import { TallyError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { KafkaAdmin } from './admin.ts';
import { createKafka } from './client.ts';
import { kafkaServers } from './servers.ts';

/**
 * Asks the brokers once. `onRefused` is told when they will not let this client in, which trying again cannot mend; brokers
 * that are away are told in the log. Never throws but `CONFIG_INVALID`.
 */
export async function askToBeLetIn(
  config: z.infer<typeof kafkaConfig>,
  { clientId, log, onRefused }: { clientId: string; log: Logger; onRefused: (error: TallyError) => void },
): Promise<void> {
  const admin = new KafkaAdmin(createKafka({ ...kafkaServers(config), clientId, log }));
  try {
    await admin.clusterId();
  } catch (err) {
    if (err instanceof TallyError && !err.retriable) onRefused(err);
    else log.warn({ err }, 'Kafka does not answer yet');
  } finally {
    await admin.close().catch(() => undefined);
  }
}
