// The output of a child: appended to a file by the child itself, so that its last words are kept even when we are gone.

import { closeSync, copyFileSync, fstatSync, openSync, readSync, statSync, truncateSync } from 'node:fs';

/**
 * Moves a log larger than `bytesMax` to `<file>.1` and empties it. The child goes on writing to the same file, which
 * it has open for appending; lines written between the two steps are lost, which a log can bear.
 */
export function rotateLog(file: string, bytesMax: number): void {
  if (logSize(file) <= bytesMax) return;
  copyFileSync(file, `${file}.1`);
  truncateSync(file);
}

/** Bytes in the file, 0 if it does not exist. */
export function logSize(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/**
 * The last line with text in it that was written after byte `from`, at most 500 characters; of a line that is a JSON log
 * entry, its message. Undefined if there is none.
 */
export function lastLogLine(file: string, from: number): string | undefined {
  const tailBytes = 8192;
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return undefined;
  }
  try {
    const size = fstatSync(fd).size;
    const buffer = Buffer.alloc(Math.max(0, Math.min(tailBytes, size - from)));
    readSync(fd, buffer, 0, buffer.length, size - buffer.length);
    const lines = buffer.toString('utf8').split('\n');
    // A stack trace says least in its last frames: the line before them is the message.
    const said = lines.filter((line) => line.trim() !== '' && !/^\s+(at |\.\.\. )/.test(line));
    const last = said.at(-1)?.trim();
    return last === undefined ? undefined : messageIn(last).slice(0, 500);
  } finally {
    closeSync(fd);
  }
}

function messageIn(line: string): string {
  if (!line.startsWith('{')) return line;
  try {
    const { msg } = JSON.parse(line) as { msg?: unknown };
    return typeof msg === 'string' ? msg : line;
  } catch {
    return line;
  }
}
