/**
 * Why a connection to Kafka failed, as far as the error tells: whoever reads it changes a password, a certificate or an
 * address.
 */
import kafkajs from 'kafkajs';
import { TallyError } from '../errors.ts';

export type ConnectionFailure = 'authentication' | 'tls' | 'unreachable';

/** What Node and OpenSSL call failures of TLS. */
const TLS_CODES =
  /^(?:ERR_SSL_|ERR_TLS_|CERT_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_|UNABLE_TO_|HOSTNAME_MISMATCH|EPROTO)/;

/** Looks through an error and what caused it, innermost first. */
export function connectionFailure(error: unknown): ConnectionFailure {
  const causes = causesOf(error);
  const codes = causes.flatMap((cause) => (cause instanceof TallyError ? cause.code : []));
  if (codes.some((code) => code.startsWith('KAFKA_AUTHENTICATION_') || code.startsWith('KAFKA_SASL_'))) {
    return 'authentication';
  }
  if (codes.some((code) => code.startsWith('KAFKA_TLS_') || code.startsWith('KAFKA_CERTIFICATE_'))) return 'tls';
  if (causes.some((cause) => cause instanceof kafkajs.KafkaJSSASLAuthenticationError)) return 'authentication';
  if (causes.some((cause) => 'code' in cause && TLS_CODES.test(String(cause.code)))) return 'tls';
  return 'unreachable';
}

function causesOf(error: unknown): Error[] {
  if (!(error instanceof Error)) return [];
  return [...causesOf(error.cause), error];
}
