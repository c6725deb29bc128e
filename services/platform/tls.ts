/**
 * What Node says when a TLS connection does not come about for a reason that only a person can mend.
 */

/** Node's codes for certificates that one side does not take. */
const CERTIFICATE =
  /^(CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH_|ERR_TLS_CERT_|ERR_SSL_.*CERTIFICATE)/;

/** Whether an error's code says that a certificate was not taken. */
export function isCertificateCode(code: string | undefined): boolean {
  return code !== undefined && CERTIFICATE.test(code);
}

/** Whether it says that the other side does not speak TLS. */
export function isNoTlsCode(code: string | undefined): boolean {
  return code === 'EPROTO' || code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG';
}
