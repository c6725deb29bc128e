/**
 * Dead letters for people, and as JSON for machines. Their content is whatever somebody sent.
 */
import { isUtf8 } from 'node:buffer';
import type { Action, ListedLetter, Shown } from '@tally/dead-letters';
import { count, print, table } from './print.ts';
import { visible } from './visible.ts';

const DUMP_BYTES_MAX = 256;
const DUMP_BYTES_PER_LINE = 16;
const DETAIL_COLUMNS_MAX = 60;

export interface Listed {
  letters: readonly ListedLetter[];
  /** With those that are not shown. */
  total: number;
  byReason: Record<string, number>;
  state: string;
}

export function printLetters({ letters, total, byReason, state }: Listed): void {
  if (total === 0) {
    print(state === 'all' ? 'no dead letters\n' : `no dead letters that are ${state}\n`);
    return;
  }
  const columns = ['origin', 'reason', 'detail', 'when (UTC)', 'state'].map((title) => ({ title }));
  const rows = letters.map((letter) => [
    visible(letter.origin),
    visible(letter.reason),
    shortened(visible(letter.detail)),
    time(letter.at),
    stateOf(letter),
  ]);
  print(table(columns, rows));
  print(
    table(
      [{ title: 'reason' }, { title: 'dead letters', right: true }],
      Object.entries(byReason).map(([reason, letters]) => [visible(reason), count(letters)]),
    ),
  );
  const more = total > letters.length ? `, the newest ${count(letters.length)} are shown: more with --limit` : '';
  print(`${count(total)} dead letter(s)${more}\n`);
}

/** The state with what led to it, a line each. */
function stateOf({ state, attempt, actions }: ListedLetter): string {
  const retry = attempt > 0 ? [`retry ${attempt}, refused again`] : [];
  const last = actions.findLast(({ action }) => action === state);
  return [state, ...retry, ...(last ? [said(last)] : [])].join('\n');
}

function said({ action, by, at, reason }: Action): string {
  return `${time(at)} by ${visible(by)}${action === 'discarded' ? `: ${shortened(visible(reason))}` : ''}`;
}

export function printShown({ letter, content, decoded, ancestors, descendants, known }: Shown): void {
  const { key, value, headers } = content;
  print(`${visible(letter.origin)}: ${letter.state}, put there at ${time(letter.at)}\n`);
  const named = Object.entries(headers).map(([name, text]) => [visible(name), visible(text)]);
  print(table([{ title: 'header' }, { title: '' }], named));
  print(`key    ${key === null ? 'none' : bytesText(key)}\n`);
  print(`value  ${value === null ? 'none' : `${count(value.length)} bytes`}\n`);
  if (decoded.ok) {
    const { schema, value: record } = decoded.record;
    const fields = Object.entries(record).map(([name, field]) => [name, visible(JSON.stringify(field))]);
    print(table([{ title: schema }, { title: '' }], fields));
  } else {
    print(`not readable: ${decoded.fault.reason}, ${visible(decoded.fault.detail)}\n`);
    if (value) print(hexDump(value));
  }
  printLineage({ letter, ancestors, descendants, known });
}

function printLineage({ letter, ancestors, descendants, known }: Omit<Shown, 'content' | 'decoded'>): void {
  for (const ancestor of ancestors) {
    if (typeof ancestor === 'string') print(`retried from ${visible(ancestor)}, which is not in the topic\n`);
    else print(`retried from ${visible(ancestor.origin)}: ${visible(ancestor.reason)}, ${time(ancestor.at)}\n`);
  }
  for (const action of letter.actions) {
    const attempt = action.action === 'retried' ? ` (retry ${action.attempt})` : '';
    print(`${action.action} ${said(action)}${attempt}\n`);
  }
  for (const { origin, reason, attempt, state } of descendants) {
    print(`retry ${attempt} was refused again as ${visible(origin)}: ${visible(reason)}, ${state}\n`);
  }
  if (known) print(`what it holds is known: ${known.outcome} at ${known.place}\n`);
  else print('what it holds is not known: nothing of it counts\n');
}

/** `letter` for machines. */
export function letterJson({ offset, at, actions, ...letter }: ListedLetter): object {
  return { ...letter, offset: Number(offset), at: time(at), actions: actions.map(actionJson) };
}

function actionJson({ at, knownPosition, ...action }: Action): object {
  return { ...action, at: time(at), knownPosition: knownPosition.toString() };
}

/** All of a dead letter for machines; bytes as base64. */
export function shownJson({ letter, content, decoded, ancestors, descendants, known }: Shown): object {
  return {
    ...letterJson(letter),
    headers: content.headers,
    key: content.key?.toString('base64') ?? null,
    value: content.value?.toString('base64') ?? null,
    record: decoded.ok ? decoded.record : null,
    ancestors: ancestors.map((one) => (typeof one === 'string' ? { origin: one, missing: true } : letterJson(one))),
    descendants: descendants.map(letterJson),
    known: known ? { outcome: known.outcome, place: known.place, position: known.position.toString() } : null,
  };
}

function time(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

function shortened(text: string): string {
  return text.length <= DETAIL_COLUMNS_MAX ? text : `${text.slice(0, DETAIL_COLUMNS_MAX - 1)}…`;
}

function bytesText(bytes: Buffer): string {
  return isUtf8(bytes) ? visible(bytes.toString('utf8')) : `0x${bytes.subarray(0, DUMP_BYTES_MAX).toString('hex')}`;
}

/** Offset, bytes, what of it is ASCII. */
export function hexDump(bytes: Buffer): string {
  let dump = '';
  const shown = bytes.subarray(0, DUMP_BYTES_MAX);
  for (let at = 0; at < shown.length; at += DUMP_BYTES_PER_LINE) {
    const line = shown.subarray(at, at + DUMP_BYTES_PER_LINE);
    const hex = (line.toString('hex').match(/../g) ?? []).join(' ').padEnd(DUMP_BYTES_PER_LINE * 3 - 1);
    dump += `${at.toString(16).padStart(4, '0')}  ${hex}  ${line.toString('latin1').replace(/[^ -~]/g, '.')}\n`;
  }
  const left = bytes.length - shown.length;
  return left > 0 ? `${dump}… ${count(left)} more bytes\n` : dump;
}
