/**
 * Where the brokers are and how they are spoken to, from the environment that every service reads.
 */
import type { KafkaConfig, SASLOptions } from 'kafkajs';
import type { z } from 'zod';
import { configInvalid, type kafkaConfig } from '../config.ts';

export interface KafkaServers {
  /** `host:port` of some brokers; one text may hold several, with commas. */
  brokers: string[];
  /** Absent: plain text. */
  tls?: KafkaTls;
  /** Absent: the brokers are not told who calls. */
  sasl?: KafkaSasl;
}

/** All in PEM. */
export interface KafkaTls {
  /** Who may have signed the brokers' certificates. Default: those that Node trusts. */
  ca?: string;
  /** The client's own, both or none. */
  cert?: string;
  key?: string;
}

export interface KafkaSasl {
  mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  username: string;
  password: string;
}

/** Throws `CONFIG_INVALID` for settings that do not go together. */
export function kafkaServers(config: z.infer<typeof kafkaConfig>): KafkaServers {
  const { TALLY_KAFKA_CA_FILE: ca, TALLY_KAFKA_CERT_FILE: cert, TALLY_KAFKA_KEY_FILE: key } = config;
  const mechanism = config.TALLY_KAFKA_SASL_MECHANISM;
  const [username, password] = [config.TALLY_KAFKA_SASL_USER, config.TALLY_KAFKA_SASL_PASSWORD];
  const faults: string[] = [];
  if (!config.TALLY_KAFKA_TLS && (ca ?? cert ?? key) !== undefined) {
    faults.push('TALLY_KAFKA_TLS: must be 1 where certificates are given, or nothing would be encrypted');
  }
  if ((cert === undefined) !== (key === undefined)) {
    faults.push('TALLY_KAFKA_CERT_FILE: a certificate needs its key, TALLY_KAFKA_KEY_FILE, and a key its certificate');
  }
  if (mechanism !== '' && (username === '' || password === '')) {
    faults.push(
      'TALLY_KAFKA_SASL_USER: a mechanism needs a user and a password, TALLY_KAFKA_SASL_PASSWORD or its _FILE',
    );
  }
  if (mechanism === '' && (username !== '' || password !== '')) {
    faults.push('TALLY_KAFKA_SASL_MECHANISM: must say how user and password are given to the brokers');
  }
  if (faults.length > 0) throw configInvalid(faults);
  const tls = { ...(ca ? { ca } : {}), ...(cert && key ? { cert, key } : {}) };
  return {
    brokers: config.TALLY_KAFKA,
    ...(config.TALLY_KAFKA_TLS ? { tls } : {}),
    ...(mechanism === '' ? {} : { sasl: { mechanism, username, password } }),
  };
}

/** The same for kafkajs. */
export function connectionOf({ brokers, tls, sasl }: KafkaServers): Pick<KafkaConfig, 'brokers' | 'ssl' | 'sasl'> & {
  brokers: string[];
} {
  return {
    brokers: brokers.flatMap((list) => list.split(',')),
    ...(tls ? { ssl: tls } : {}),
    // One object for three mechanisms, which kafkajs declares as three.
    ...(sasl ? { sasl: sasl as SASLOptions } : {}),
  };
}
