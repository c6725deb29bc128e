/**
 * What a failed request to ClickHouse means to us: its code, and whether trying again can help.
 */
import { ClickHouseError } from '@clickhouse/client';
import { messageOf, TallyError } from '../errors.ts';
import { isCertificateCode, isNoTlsCode } from '../tls.ts';

/** ClickHouse's codes for errors that the same request would meet again: the statement or the data is at fault. */
const FINAL_CODES: ReadonlySet<string> = new Set([
  '6', // CANNOT_PARSE_TEXT
  '16', // NO_SUCH_COLUMN_IN_TABLE
  '27', // CANNOT_PARSE_INPUT_ASSERTION_FAILED
  '33', // CANNOT_READ_ALL_DATA
  '36', // BAD_ARGUMENTS
  '42', // NUMBER_OF_ARGUMENTS_DOESNT_MATCH
  '43', // ILLEGAL_TYPE_OF_ARGUMENT
  '46', // UNKNOWN_FUNCTION
  '47', // UNKNOWN_IDENTIFIER
  '53', // TYPE_MISMATCH
  '60', // UNKNOWN_TABLE
  '62', // SYNTAX_ERROR
  '81', // UNKNOWN_DATABASE
  '115', // UNKNOWN_SETTING
  '117', // INCORRECT_DATA
  '497', // ACCESS_DENIED
  '516', // AUTHENTICATION_FAILED
]);

/** The error as it crosses our edge. */
export function clickhouseError(cause: unknown): TallyError {
  const socketCode = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
  if (isCertificateCode(socketCode)) {
    const message = `ClickHouse's certificate is not taken (${socketCode}): check TALLY_CLICKHOUSE_CA_FILE and the name or address it is called by: ${messageOf(cause)}`;
    return new TallyError(message, { code: 'CLICKHOUSE_CERTIFICATE_REFUSED', retriable: false, cause });
  }
  if (isNoTlsCode(socketCode)) {
    const message = `ClickHouse speaks no TLS there: give an http address or another port: ${messageOf(cause)}`;
    return new TallyError(message, { code: 'CLICKHOUSE_TLS_NOT_SPOKEN', retriable: false, cause });
  }
  const final = cause instanceof ClickHouseError && FINAL_CODES.has(cause.code);
  return new TallyError(`ClickHouse: ${messageOf(cause)}`, {
    code: cause instanceof ClickHouseError ? `CLICKHOUSE_${cause.type ?? cause.code}` : 'CLICKHOUSE_UNAVAILABLE',
    retriable: !final,
    cause,
  });
}
