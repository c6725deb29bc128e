/**
 * The api's configuration, from the environment.
 */
import { isIP } from 'node:net';
import { accessConfig, checkAccessConfig } from '@tally/access';
import { clickhouseConfig, kafkaConfig, processConfig, wholeNumber } from '@tally/platform/config';
import { statementConfig } from '@tally/statements';
import { z } from 'zod';

/** `10.0.0.0/8,192.0.2.1` as a list; whether each is one is seen when the server is made. */
const addresses = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== ''),
  )
  .refine((all) => all.every(isNetwork), 'expected ADDRESS[/BITS][,ADDRESS[/BITS]…]');

function isNetwork(text: string): boolean {
  const [, address = '', bits] = /^([^/]+?)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address);
  return version !== 0 && (bits === undefined || Number(bits) <= (version === 4 ? 32 : 128));
}

export const apiConfig = z
  .object({
    ...accessConfig.shape,
    ...kafkaConfig.shape,
    ...clickhouseConfig.shape,
    ...processConfig.shape,
    ...statementConfig.shape,
    TALLY_GROUP: z.string().min(1).default('tally'),
    TALLY_ADMIN_KEY: z.string().min(16),
    TALLY_API_HOST: z.string().default('127.0.0.1'),
    /** 0 is any free port. */
    TALLY_API_PORT: wholeNumber(0, 65_535, 8080),
    /** Where browsers reach the api if a proxy stands before it; with `https:` cookies are sent over TLS alone. */
    TALLY_API_PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
    /** Proxies before it whose `X-Forwarded-For` and `-Proto` are believed; empty: nobody's. */
    TALLY_API_TRUSTED_PROXIES: addresses,
    /** Requests that one key, token's holder or session may send in a minute; further ones are answered 429. */
    TALLY_API_REQUESTS_PER_MINUTE_MAX: wholeNumber(1, 1_000_000_000, 3_000),
    /** The same for an address, with no or a wrong key: the dashboard's files, log-ins, the document. */
    TALLY_API_UNKNOWN_REQUESTS_PER_MINUTE_MAX: wholeNumber(1, 1_000_000_000, 600),
    /** A client that has not sent all headers of a request by then is answered 408. */
    TALLY_API_HEADERS_TIMEOUT_MS: wholeNumber(100, 600_000, 10_000),
    /** The same for a whole request. */
    TALLY_API_REQUEST_TIMEOUT_MS: wholeNumber(100, 600_000, 15_000),
    /** A connection on which nothing moves for this long is dropped; more than the longest query, which has a minute. */
    TALLY_API_IDLE_TIMEOUT_MS: wholeNumber(100, 3_600_000, 120_000),
    /** Open connections; further ones are dropped. */
    TALLY_API_CONNECTIONS_MAX: wholeNumber(1, 1_000_000, 2_000),
  })
  .superRefine(checkAccessConfig);

export type ApiConfig = z.infer<typeof apiConfig>;
