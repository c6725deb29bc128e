/**
 * Sends one file's rows to the log: read → map → send → note what is acknowledged.
 */
import { basename, dirname, join } from 'node:path';
import { messageOf, TallyError } from '@tally/platform/errors';
import type { TallyRecord } from '@tally/schemas';
import {
  type Checkpoint,
  fingerprintOf,
  readCheckpoint,
  removeCheckpoint,
  type Target,
  writeCheckpoint,
} from './checkpoint.ts';
import type { DelimiterName } from './csv-delimiter.ts';
import type { Format } from './format.ts';
import { InOrder } from './in-order.ts';
import { readCsv } from './read-csv.ts';
import { readNdjson } from './read-ndjson.ts';
import { readParquet } from './read-parquet.ts';
import { RefusedFile, refusedLine } from './refused-file.ts';
import type { RowType } from './row-fields.ts';
import { recordOfRow } from './row-to-record.ts';
import type { ReadOptions, Refusal, SourceRow } from './source-row.ts';

export interface ImportProgress {
  /** Rows done, those of earlier runs included. */
  rows: number;
  /** Bytes of the file read, and all it has. */
  bytes: number;
  bytesTotal: number;
}

/** The log a file goes to; `send` resolves when the log has the record. */
export interface Destination {
  target: Target;
  send: (record: TallyRecord) => Promise<void>;
}

export interface ImportOptions {
  file: string;
  format: Format;
  /** What a row is that does not say so itself. */
  type: RowType;
  /** Leave fields out that no record has, instead of refusing the row. */
  ignoreUnknown: boolean;
  /** Of CSV; default the one that the header line shows. */
  delimiter?: DelimiterName | undefined;
  /** Begin anew, whatever was sent before. */
  restart: boolean;
  /** Where the checkpoint and the refused rows go; default beside the file. */
  stateDir?: string;
  /** Absent: rows are judged and nothing is sent. */
  destination?: Destination;
  /** Milliseconds UTC. */
  now: () => number;
  onProgress: (progress: ImportProgress) => void;
  /** Ends the import in order: what is in flight is waited for, for a short time. */
  signal: AbortSignal;
}

export interface FileReport {
  file: string;
  /** `interrupted` and `failed`: the same command goes on where this one stopped. */
  status: 'done' | 'interrupted' | 'failed';
  /** Rows read, those of earlier runs included. */
  rows: number;
  /** Rows acknowledged by the log; with a dry run: rows that could be sent. */
  sent: number;
  refused: number;
  /** Refused rows by code. */
  reasons: Record<string, number>;
  /** Rows done by earlier runs. */
  resumedAt: number;
  /** The list of refused rows, when there are any. */
  refusedFile: string | null;
  durationMs: number;
  error: { code: string; detail: string } | null;
}

/** Well below what the producer buffers, so that its calls never wait for room. */
const IN_FLIGHT = { rowsMax: 10_000, bytesMax: 32 * 1024 * 1024 } as const;
const CHECKPOINT_EVERY_MS = 500;
/** Refused rows are kept in memory until they are listed. */
const REFUSED_WAITING_MAX = 1_000;
const STOP_MS_MAX = 5_000;
const RECORD_OVERHEAD_BYTES = 256;

type Outcome = { sent: true } | { sent: false; code: string; line: string };

/**
 * Imports a file and resolves with what became of its rows, also when it had to stop in the middle.
 * Throws TallyError before anything is sent: see readCheckpoint.
 */
export async function importFile(options: ImportOptions): Promise<FileReport> {
  const run = await Run.begin(options);
  let failure: unknown;
  try {
    await run.sendRows();
  } catch (error) {
    failure = error;
  }
  return run.end(failure);
}

class Run {
  readonly #options: ImportOptions;
  readonly #checkpointPath: string;
  readonly #refusedFile: RefusedFile;
  readonly #inFlight = new InOrder<Outcome>(IN_FLIGHT, (outcome) => this.#count(outcome));
  readonly #done: Checkpoint;
  readonly #resumedAt: number;
  readonly #beganAt = performance.now();
  #failure: unknown;
  #late = false;
  #bytes = 0;
  #savedAt = performance.now();

  private constructor(options: ImportOptions, done: Checkpoint, paths: { checkpoint: string; refused: RefusedFile }) {
    this.#options = options;
    this.#done = done;
    this.#resumedAt = done.rows;
    this.#checkpointPath = paths.checkpoint;
    this.#refusedFile = paths.refused;
  }

  static async begin(options: ImportOptions): Promise<Run> {
    const { file, type, format, ignoreUnknown, delimiter, restart, destination } = options;
    const at = join(options.stateDir ?? dirname(file), basename(file));
    const identity = {
      file: await fingerprintOf(file),
      options: { type, format, ignoreUnknown, ...(delimiter ? { delimiter } : {}) },
      target: destination?.target ?? { clusterId: '', topicPrefix: '', ends: {} },
    };
    const checkpoint = `${at}.tally-import.json`;
    const known = destination && !restart ? readCheckpoint(checkpoint, identity) : undefined;
    const done = known ?? { version: 1, ...identity, rows: 0, sent: 0, refused: {}, refusedBytes: 0 };
    // A dry run must not touch the list of an unfinished import.
    const refused = await RefusedFile.open(`${at}${destination ? '' : '.dry-run'}.refused.ndjson`, done.refusedBytes);
    const run = new Run(options, done, { checkpoint, refused });
    // Written before the first row: a place that cannot be written to shows now.
    await run.#save();
    run.#listenForStop();
    return run;
  }

  /** Resolves when every row is handed over, or the signal aborted. Throws what ended the reading or the sending. */
  async sendRows(): Promise<void> {
    const { signal } = this.#options;
    for await (const batch of this.#read()) {
      for (const row of batch) {
        while (this.#inFlight.full && this.#failure === undefined && !signal.aborted) await this.#inFlight.progressed();
        if (signal.aborted) return;
        if (this.#failure !== undefined) throw this.#failure;
        this.#take(row);
      }
      const { rows, file } = this.#done;
      this.#options.onProgress({ rows, bytes: this.#bytes, bytesTotal: file.bytes });
      const due = performance.now() - this.#savedAt >= CHECKPOINT_EVERY_MS;
      if (due || this.#refusedFile.waiting >= REFUSED_WAITING_MAX) await this.#save();
    }
  }

  /** Waits for what is in flight, notes how far it came, and reports. */
  async end(failure: unknown): Promise<FileReport> {
    const { signal, file } = this.#options;
    while (this.#inFlight.rows > 0 && this.#failure === undefined && !this.#late) await this.#inFlight.progressed();
    const cause = failure ?? this.#failure;
    const complete = cause === undefined && this.#inFlight.rows === 0 && !signal.aborted;
    await this.#save();
    await this.#refusedFile.close();
    // The last step: a crash before it sends the last rows again.
    if (complete && this.#options.destination) await removeCheckpoint(this.#checkpointPath);
    const refused = Object.values(this.#done.refused).reduce((sum, count) => sum + count, 0);
    return {
      file,
      status: complete ? 'done' : cause === undefined ? 'interrupted' : 'failed',
      rows: this.#done.rows,
      sent: this.#done.sent,
      refused,
      reasons: this.#done.refused,
      resumedAt: this.#resumedAt,
      refusedFile: refused > 0 ? this.#refusedFile.path : null,
      durationMs: Math.round(performance.now() - this.#beganAt),
      error: cause === undefined ? null : { code: codeOf(cause), detail: messageOf(cause) },
    };
  }

  #read(): AsyncIterable<SourceRow[]> {
    const { file, format, type, ignoreUnknown, delimiter } = this.#options;
    const onBytes = (bytes: number): void => {
      this.#bytes = bytes;
    };
    const read: ReadOptions = { skipRows: this.#resumedAt, onBytes };
    if (format === 'ndjson') return readNdjson(file, read);
    return format === 'csv'
      ? readCsv(file, { ...read, type, ignoreUnknown, delimiter })
      : readParquet(file, { ...read, type, ignoreUnknown });
  }

  #take(row: SourceRow): void {
    const settle = this.#inFlight.begin(row.bytes + RECORD_OVERHEAD_BYTES);
    const refuse = (refusal: Refusal): void => {
      settle({ sent: false, code: refusal.code, line: refusedLine(row, refusal) });
    };
    const mapped = row.content.ok
      ? recordOfRow(row.content.fields, this.#options, this.#options.now())
      : { ...row.content, ok: false as const };
    if (!mapped.ok) {
      refuse(mapped);
      return;
    }
    const { destination } = this.#options;
    if (!destination) {
      settle({ sent: true });
      return;
    }
    destination.send(mapped.record).then(
      () => settle({ sent: true }),
      (error: unknown) => {
        const code = error instanceof TallyError ? REFUSED_BY_PRODUCER[error.code] : undefined;
        if (code !== undefined) refuse({ code, detail: messageOf(error) });
        // The row stays in flight: whatever follows it is not noted as done.
        else this.#fail(error);
      },
    );
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#inFlight.wake();
  }

  /** From the signal on, what is in flight has a short time left. */
  #listenForStop(): void {
    const { signal } = this.#options;
    const stop = (): void => {
      this.#inFlight.wake();
      setTimeout(() => {
        this.#late = true;
        this.#inFlight.wake();
      }, STOP_MS_MAX).unref();
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  }

  #count(outcome: Outcome): void {
    this.#done.rows++;
    if (outcome.sent) {
      this.#done.sent++;
      return;
    }
    this.#done.refused[outcome.code] = (this.#done.refused[outcome.code] ?? 0) + 1;
    this.#refusedFile.add(outcome.line);
  }

  /**
   * 1. The refused rows of what is done. A crash after it: the list is cut to the length that the old checkpoint names.
   * 2. The checkpoint. A crash before it: the rows since the old one are sent again, and are duplicates.
   */
  async #save(): Promise<void> {
    // Taken together, before anything is waited for: rows go on settling meanwhile.
    const done = { ...this.#done, refused: { ...this.#done.refused } };
    const refusedBytes = await this.#refusedFile.flush();
    this.#done.refusedBytes = refusedBytes;
    if (this.#options.destination) await writeCheckpoint(this.#checkpointPath, { ...done, refusedBytes });
    this.#savedAt = performance.now();
  }
}

/** Faults of the record itself that only the producer sees. */
const REFUSED_BY_PRODUCER: Readonly<Record<string, string>> = {
  RECORD_INVALID: 'invalid-record',
  RECORD_TOO_LARGE: 'record-too-large',
};

function codeOf(error: unknown): string {
  return error instanceof TallyError ? error.code : 'INTERNAL';
}
