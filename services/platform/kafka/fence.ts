/**
 * A topic that takes nothing for a while, without anybody being asked to stop: its largest message is smaller than any
 * batch, so the broker refuses every record, whoever sends it. Senders of ours know the mark and wait; others are told that
 * their record is too large, which is no acknowledgement.
 */

/** An empty batch has 61 bytes. */
const SMALLEST_BATCH_BYTES = 61;
const LARGEST_MESSAGE = 'max.message.bytes';

/** Settings of a fenced topic. */
export const FENCED: Readonly<Record<string, string>> = { [LARGEST_MESSAGE]: '1' };

/** Whether a topic with these settings takes nothing. */
export function isFenced(settings: Readonly<Record<string, string>>): boolean {
  return Number(settings[LARGEST_MESSAGE]) < SMALLEST_BATCH_BYTES;
}
