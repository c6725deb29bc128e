/**
 * An instance's secrets go with its data: without the identifier secret, people who are known would become strangers.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TallyError } from '@tally/platform/errors';

const SECRETS = 'secrets.json';

/** The copy can be read by its owner alone, as the file. */
export function copySecrets(dataDir: string, dir: string): void {
  copyFileSync(join(dataDir, SECRETS), join(dir, SECRETS));
}

/** Puts them into a data directory that has none. Throws `SECRETS_DIFFER` where there are others. */
export function bringBackSecrets(dir: string, dataDir: string): void {
  const [from, to] = [join(dir, SECRETS), join(dataDir, SECRETS)];
  if (!existsSync(from)) return;
  if (!existsSync(to)) {
    mkdirSync(dataDir, { recursive: true });
    copyFileSync(from, to);
    return;
  }
  if (readFileSync(from, 'utf8') === readFileSync(to, 'utf8')) return;
  throw new TallyError(`${to} holds other secrets than the backup: figures depend on them, so put it away first`, {
    code: 'SECRETS_DIFFER',
    retriable: false,
  });
}
