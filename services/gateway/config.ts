/**
 * The gateway's configuration: environment variables, all parsed once at start.
 */
import { accessConfig, checkAccessConfig, type Scope } from '@tally/access';
import { clickhouseConfig, kafkaConfig, processConfig, wholeNumber } from '@tally/platform/config';
import { z } from 'zod';

const KEY = /^[\x21-\x7e]{16,1024}$/;
const KEY_RULE = '16 to 1024 visible ASCII characters';
const TENANT = /^[A-Za-z0-9_.:-]{1,64}$/;
const MIB = 1024 * 1024;

/** `key=tenant1|tenant2,key2=*`. A key may hold `=` but no comma. Faults name an entry's place, never its key. */
const producerKeys = z
  .string()
  .default('')
  .transform((text, context): ReadonlyMap<string, Scope> => {
    const grants = new Map<string, Scope>();
    for (const [index, entry] of text.split(',').entries()) {
      if (entry.trim() === '' && text.trim() === '') continue;
      const at = entry.lastIndexOf('=');
      const key = entry.slice(0, Math.max(at, 0)).trim();
      const tenants = entry.slice(at + 1).trim();
      const complain = (message: string): void => context.addIssue(`entry ${index + 1}: ${message}`);
      if (!KEY.test(key)) complain(`expected KEY=TENANT|TENANT or KEY=*, a key of ${KEY_RULE}`);
      else if (grants.has(key)) complain('the key stands there twice');
      else if (tenants === '*') grants.set(key, '*');
      else if (tenants.split('|').every((tenant) => TENANT.test(tenant))) grants.set(key, new Set(tenants.split('|')));
      else complain('a tenant is 1 to 64 of A-Z a-z 0-9 _ . : -');
    }
    return grants;
  });

export const gatewayConfig = z
  .object({
    ...kafkaConfig.shape,
    ...processConfig.shape,
    ...accessConfig.shape,
    ...clickhouseConfig.shape,
    /** Where the keys are that `tally keys` makes; without it only those below are taken. */
    TALLY_CLICKHOUSE_URL: clickhouseConfig.shape.TALLY_CLICKHOUSE_URL.optional(),
    TALLY_GATEWAY_HOST: z.string().min(1).default('127.0.0.1'),
    /** 0 means any free one. */
    TALLY_GATEWAY_PORT: wholeNumber(0, 65_535, 8_081),
    /** Sends for every tenant. */
    TALLY_ADMIN_KEY: z.string().regex(KEY, `expected ${KEY_RULE}`),
    TALLY_PRODUCER_KEYS: producerKeys,
    /** Largest request body. */
    TALLY_GATEWAY_BODY_BYTES_MAX: wholeNumber(1_024, 64 * MIB, 5 * MIB),
    /** All request bodies in hand together. */
    TALLY_GATEWAY_BODY_BYTES_IN_FLIGHT_MAX: wholeNumber(1_024, 4_096 * MIB, 128 * MIB),
    TALLY_GATEWAY_BATCH_EVENTS_MAX: wholeNumber(1, 100_000, 5_000),
    /** Events on their way to the log, of all requests together. */
    TALLY_GATEWAY_EVENTS_IN_FLIGHT_MAX: wholeNumber(1, 1_000_000, 20_000),
    /** How long an event is tried before its sender is told that it failed. */
    TALLY_GATEWAY_DELIVERY_TIMEOUT_MS: wholeNumber(100, 120_000, 10_000),
    /** How long a client may take to send a request. */
    TALLY_GATEWAY_REQUEST_TIMEOUT_MS: wholeNumber(1_000, 300_000, 30_000),
  })
  .refine((config) => config.TALLY_GATEWAY_EVENTS_IN_FLIGHT_MAX >= config.TALLY_GATEWAY_BATCH_EVENTS_MAX, {
    path: ['TALLY_GATEWAY_EVENTS_IN_FLIGHT_MAX'],
    message: 'must be at least TALLY_GATEWAY_BATCH_EVENTS_MAX, or a full batch never finds room',
  })
  .refine((config) => !config.TALLY_PRODUCER_KEYS.has(config.TALLY_ADMIN_KEY), {
    path: ['TALLY_PRODUCER_KEYS'],
    message: 'holds the admin key',
  })
  .superRefine(checkAccessConfig);

export type GatewayConfig = z.infer<typeof gatewayConfig>;

/** The producer says itself that it gave up; this much later the gateway answers without it (a broker that hangs). */
const ANSWER_GRACE_MS = 1_000;
/** How long each step of the end may take beyond that. */
export const CLOSE_MS_MAX = 3_000;

/** The latest answer to a request, milliseconds. */
export function answerMsMaxOf(config: GatewayConfig): number {
  return config.TALLY_GATEWAY_DELIVERY_TIMEOUT_MS + ANSWER_GRACE_MS;
}

/** How long the gateway may take to end, milliseconds: requests in hand are answered first. */
export function stopMsMaxOf(config: GatewayConfig): number {
  return answerMsMaxOf(config) + 3 * CLOSE_MS_MAX;
}
