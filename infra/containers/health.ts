/**
 * The image's health check: asks the service that runs in this container whether it is ready, at the address that it
 * wrote down when it began to listen. Exits with 0 if it is, otherwise with 1 and the reason on standard output.
 */
import { readFileSync } from 'node:fs';

const ANSWER_MS_MAX = 7_000;

async function ask(readyFile: string): Promise<{ ok: boolean; said: string }> {
  const { url } = JSON.parse(readFileSync(readyFile, 'utf8')) as { url: string };
  const response = await fetch(new URL('/health/ready', url), { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
  return { ok: response.ok, said: await response.text() };
}

const { ok, said } = await ask(process.env['TALLY_READY_FILE'] ?? '').catch((error: unknown) => ({
  ok: false,
  said: `no answer: ${error instanceof Error ? error.message : String(error)}`,
}));
process.stdout.write(`${said}\n`);
process.exit(ok ? 0 : 1);
