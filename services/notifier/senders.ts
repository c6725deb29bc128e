/**
 * A sender for each kind of target.
 */
import type { Sender } from '@tally/platform/kafka';
import { type HttpOptions, HttpPoster } from './http-post.ts';
import type { SecretSources } from './references.ts';
import { chatSender } from './send-chat.ts';
import { emailSender, type SmtpOptions } from './send-email.ts';
import { kafkaSender } from './send-kafka.ts';
import { webhookSender } from './send-webhook.ts';
import type { TargetKind } from './target.ts';
import type { Send } from './told.ts';

export interface SenderParts {
  http: HttpOptions;
  smtp: SmtpOptions;
  secrets: SecretSources;
  sender: Pick<Sender, 'send'>;
  /** Name of the topic of alerts. */
  topic: string;
}

export interface Senders {
  send: Send;
  close: () => Promise<void>;
}

export function createSenders({ http: options, smtp, secrets, sender, topic }: SenderParts): Senders {
  const http = new HttpPoster(options);
  const email = emailSender(smtp);
  const byKind: Readonly<Record<TargetKind, Send>> = {
    webhook: webhookSender({ http, secrets, clock: options.clock }),
    chat: chatSender({ http, secrets }),
    email: email.send,
    kafka: kafkaSender({ sender, topic }),
  };
  return {
    send: (target, message) => byKind[target.kind](target, message),
    close: async () => {
      email.close();
      await http.close();
    },
  };
}
