/**
 * A row as a reader hands it on, whatever the file's format.
 */

/** Why a row is not sent. `detail` holds no value of the row: it may be personal data. */
export interface Refusal {
  /** Stable name of the kind of fault, `in-kebab-case`. */
  code: string;
  detail: string;
}

export interface SourceRow {
  /** From 1; blank lines and a header are no rows. */
  row: number;
  /** The line it stands on, from 1; of several lines the last. Formats without lines have none. */
  line?: number;
  /** What it takes of memory while it is in flight, about. */
  bytes: number;
  /** Its fields by name, or why it has none. `source` is what stands in the list of refused rows. */
  content: { ok: true; fields: Readonly<Record<string, unknown>> } | ({ ok: false; source: unknown } & Refusal);
}

/** Rows between two looks at the clock and at the room that is left. */
export const ROWS_PER_BATCH_MAX = 1_000;

export interface ReadOptions {
  /** Rows to leave out at the beginning: they are acknowledged already. */
  skipRows: number;
  /** Told how many bytes of the file have been read. */
  onBytes: (bytes: number) => void;
}
