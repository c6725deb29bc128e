/**
 * A real Chromium: the one that `TALLY_TEST_CHROMIUM` names, one that is installed, or the one that comes as a package.
 */
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import chromium from '@sparticuz/chromium';
import { type Browser, chromium as playwright } from 'playwright-core';

const INSTALLED = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
/** None of the package's own flags: they take web security away, and with it the Origin by which a session knows its page. */
const FLAGS = ['--no-sandbox', '--disable-gpu'];

export type Launched = { browser: Browser } | { browser: undefined; because: string };

export async function launchChromium(): Promise<Launched> {
  try {
    const own = [process.env['TALLY_TEST_CHROMIUM'] ?? '', ...INSTALLED].find(
      (path) => path !== '' && existsSync(path),
    );
    return { browser: await (own === undefined ? launchPackaged() : launch(own, {})) };
  } catch (error) {
    return { browser: undefined, because: error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'no reason' };
  }
}

/** It brings the libraries that servers do not have, and unpacks them where it believes to be in a cloud. */
async function launchPackaged(): Promise<Browser> {
  process.env['AWS_EXECUTION_ENV'] ??= 'AWS_Lambda_nodejs22.x';
  const path = await chromium.executablePath();
  return launch(path, { LD_LIBRARY_PATH: join(tmpdir(), 'al2023', 'lib') });
}

function launch(executablePath: string, env: Record<string, string>): Promise<Browser> {
  const inherited = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  );
  return playwright.launch({
    executablePath,
    args: FLAGS,
    headless: true,
    env: { ...Object.fromEntries(inherited), ...env },
  });
}
