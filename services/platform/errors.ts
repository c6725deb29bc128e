/**
 * Errors that cross a module's edge. Nobody matches message text: `code` says what happened, `retriable` whether trying
 * the same again can help.
 */
export interface TallyErrorOptions {
  code: string;
  retriable: boolean;
  cause?: unknown;
}

export class TallyError extends Error {
  readonly code: string;
  readonly retriable: boolean;

  constructor(message: string, options: TallyErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = options.code;
    this.retriable = options.retriable;
  }
}

/** An error's own words, for a detail field or a person; never for a decision. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
