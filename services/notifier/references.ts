/**
 * Secrets are kept outside of the tables: a target names an environment variable of the notifier, or a file in its
 * directory of secrets. Both are read at each attempt, so that a file may be exchanged while it runs.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TallyError } from '@tally/platform/errors';

/** No other variable of the process can be named, whoever may change targets. */
const ENV_REFERENCE = /^env:(TALLY_TARGET_[A-Z0-9_]{1,100})$/;
/** A plain name: no way out of the directory. */
const FILE_REFERENCE = /^file:([A-Za-z0-9_][A-Za-z0-9_.-]{0,99})$/;

export interface SecretSources {
  env: Readonly<Record<string, string | undefined>>;
  /** The directory of `file:NAME`; empty: there is none. */
  dir: string;
}

export function isReference(text: string): boolean {
  return ENV_REFERENCE.test(text) || FILE_REFERENCE.test(text);
}

/** What is kept there, without white space around it. Throws `SECRET_MISSING`, which names the reference alone. */
export async function readReference(reference: string, { env, dir }: SecretSources): Promise<string> {
  const variable = ENV_REFERENCE.exec(reference)?.[1];
  const file = FILE_REFERENCE.exec(reference)?.[1];
  let found = '';
  if (variable !== undefined) found = env[variable] ?? '';
  else if (file !== undefined && dir !== '') found = await readFile(join(dir, file), 'utf8').catch(() => '');
  found = found.trim();
  if (found !== '') return found;
  const why = file !== undefined && dir === '' ? 'TALLY_NOTIFY_SECRETS_DIR is not set' : 'there is nothing';
  throw new TallyError(`${reference}: ${why}`, { code: 'SECRET_MISSING', retriable: true });
}
