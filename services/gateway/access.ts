/**
 * Whose keys and tokens the gateway takes.
 */
import { Authenticator, KeyBook, KeyRegister, tokenVerifier } from '@tally/access';
import { ClickHouse, clickhouseOptions } from '@tally/platform/clickhouse';
import type { Logger } from '@tally/platform/log';
import type { GatewayConfig } from './config.ts';

/** A sender waits for its key to be read; longer than this it is told to come again. */
const KEYS_REQUEST_MS_MAX = 5_000;

export interface GatewayAccess {
  authenticator: Authenticator;
  close: () => Promise<void>;
}

/** Without ClickHouse the keys of the configuration are taken, and tokens. */
export function gatewayAccess(config: GatewayConfig, log: Logger): GatewayAccess {
  const clock = Date.now;
  const url = config.TALLY_CLICKHOUSE_URL;
  const clickhouse =
    url === undefined
      ? undefined
      : new ClickHouse({
          ...clickhouseOptions({ ...config, TALLY_CLICKHOUSE_URL: url }),
          requestTimeoutMs: KEYS_REQUEST_MS_MAX,
        });
  const register = clickhouse && new KeyRegister({ clickhouse, log, clock });
  const keys = new KeyBook({
    adminKey: config.TALLY_ADMIN_KEY,
    producers: config.TALLY_PRODUCER_KEYS,
    register,
    clock,
  });
  const authenticator = new Authenticator({
    keys,
    verifyToken: tokenVerifier(config),
    wrongKeysPerMinuteMax: config.TALLY_WRONG_KEYS_PER_MINUTE_MAX,
  });
  return {
    authenticator,
    close: async () => {
      await register?.close();
      await clickhouse?.close();
    },
  };
}
