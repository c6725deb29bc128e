// Every way the embedded stack refuses to start, each with the exit code a command line ends with.

const EXIT_CODES = {
  JAVA_MISSING: 10,
  JAVA_TOO_OLD: 11,
  MAVEN_MISSING: 12,
  PORT_TAKEN: 13,
  DATA_DIR_IN_USE: 14,
  DATA_DIR_NOT_WRITABLE: 15,
  DISK_FULL: 16,
  KAFKA_DOWNLOAD_FAILED: 17,
  KAFKA_DID_NOT_START: 18,
  CLICKHOUSE_DID_NOT_START: 19,
  CLICKHOUSE_MISSING: 20,
  SERVICE_DID_NOT_START: 21,
} as const;

export type LocalStackErrorCode = keyof typeof EXIT_CODES;

/** A reason not to run. `message` is one line that says what is wrong and what to do; `exitCode` is 10 to 21, one per code. */
export class LocalStackError extends Error {
  override readonly name = 'LocalStackError';
  readonly code: LocalStackErrorCode;
  readonly exitCode: number;

  constructor(code: LocalStackErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.exitCode = EXIT_CODES[code];
  }
}

/** The `code` of a system error such as `EADDRINUSE`, or undefined. */
export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
