/**
 * Alerts on their topic: a change's document as the value; whoever is told of one quota reads its changes in order.
 */
import { messageOf } from '@tally/platform/errors';
import type { Sender } from '@tally/platform/kafka';
import { detailOf, type Send } from './told.ts';

export function kafkaSender({ sender, topic }: { sender: Pick<Sender, 'send'>; topic: string }): Send {
  return async (_target, { change, document }) => {
    const { tenantId, subject } = change.alert;
    try {
      const key = Buffer.from(`${tenantId ?? 'operators'}/${subject}`);
      const headers = { id: change.id, change: change.change, 'content-type': 'application/json' };
      await sender.send([{ topic, key, value: Buffer.from(document), headers }]);
      return { outcome: 'delivered', status: 0, detail: `in ${topic}`, retryAfterMs: 0 };
    } catch (error) {
      return { outcome: 'failed', status: 0, detail: detailOf(messageOf(error)), retryAfterMs: 0 };
    }
  };
}
