/**
 * Why a record was not sent, and whether sending it again can help.
 */
import { TallyError } from '@tally/platform/errors';

export type ProducerErrorCode =
  /** The record breaks a rule; `message` says which. Not retriable. */
  | 'RECORD_INVALID'
  /** The encoded record is larger than `recordBytesMax`. Not retriable. */
  | 'RECORD_TOO_LARGE'
  /** More calls wait than `waitingCallsMax`: the log is slower than the sender. Retriable, later. */
  | 'BUFFER_FULL'
  /**
   * The brokers did not acknowledge within `deliveryTimeoutMs` (retriable: the event id makes a repetition harmless), or
   * refused for good (not retriable).
   */
  | 'NOT_ACKNOWLEDGED'
  /** The producer is closed. Not retriable. */
  | 'PRODUCER_CLOSED';

export class ProducerError extends TallyError {
  declare readonly code: ProducerErrorCode;

  constructor(message: string, options: { code: ProducerErrorCode; retriable: boolean; cause?: unknown }) {
    super(message, options);
  }
}
