/**
 * The notifier's configuration, from the environment. Secrets of targets are in variables named TALLY_TARGET_…, and in
 * files of TALLY_NOTIFY_SECRETS_DIR.
 */
import { cron } from '@tally/aggregator';
import { clickhouseConfig, kafkaConfig, processConfig, wholeNumber } from '@tally/platform/config';
import { statementConfig } from '@tally/statements';
import { z } from 'zod';
import { parseNetworks } from './networks.ts';

/** How a mail server is spoken to. */
export const SMTP_SECURITY = ['starttls', 'tls', 'none'] as const;

function isNetworkList(text: string): boolean {
  try {
    parseNetworks(text);
    return true;
  } catch {
    return false;
  }
}

export const notifierConfig = z.object({
  ...kafkaConfig.shape,
  ...clickhouseConfig.shape,
  ...processConfig.shape,
  ...statementConfig.shape,
  /** The consumers' group, whose lag is looked at. */
  TALLY_GROUP: z.string().min(1).default('tally'),
  /** Job `alerts`: the look for alerts, some seconds after the aggregator's minute. */
  TALLY_ALERTS_CRON: cron.default('5 * * * * *'),
  TALLY_NOTIFIER_HOST: z.string().default('127.0.0.1'),
  /** Health and metrics; 0 is any free port. */
  TALLY_NOTIFIER_PORT: wholeNumber(0, 65_535, 8085),
  /** Between two looks at the outbox. */
  TALLY_NOTIFY_POLL_MS: wholeNumber(50, 60_000, 1_000),
  /** Networks that are not public and where targets may be all the same, as `10.0.0.0/8,fd00::/8`. */
  TALLY_NOTIFY_PRIVATE_NETWORKS: z
    .string()
    .default('')
    .refine(isNetworkList, 'expected NETWORK/BITS[,NETWORK/BITS…]')
    .transform(parseNetworks),
  /** The directory of secrets named `file:…`; empty: there is none. */
  TALLY_NOTIFY_SECRETS_DIR: z.string().default(''),
  /** How long a receiver may take to answer. */
  TALLY_NOTIFY_ANSWER_MS: wholeNumber(100, 120_000, 15_000),
  /** The server for e-mail; empty: there is none, and targets of that kind wait for one. */
  TALLY_SMTP_HOST: z.string().default(''),
  TALLY_SMTP_PORT: wholeNumber(1, 65_535, 587),
  TALLY_SMTP_SECURITY: z.enum(SMTP_SECURITY).default('starttls'),
  TALLY_SMTP_USER: z.string().default(''),
  TALLY_SMTP_PASSWORD: z.string().default(''),
  TALLY_SMTP_FROM: z.email().default('tally@localhost.localdomain'),
  /** A file of certificates, PEM, to trust in place of the system's; empty: the system's. */
  TALLY_SMTP_CA_FILE: z.string().default(''),
});

export type NotifierConfig = z.infer<typeof notifierConfig>;
