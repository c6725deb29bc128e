// `run.ts <data directory>`: a stack in a process of its own, for tests. Prints one line of JSON when it is ready, and
// stops on SIGTERM, on SIGINT, or when its standard input ends.

import { LocalStackError } from './errors.ts';
import { startLocalStack } from './stack.ts';

const [dataDir] = process.argv.slice(2);
if (dataDir === undefined) throw new Error('usage: run.ts <data directory>');

const asked = Promise.withResolvers<void>();
process.once('SIGTERM', () => asked.resolve());
process.once('SIGINT', () => asked.resolve());
process.stdin.once('end', () => asked.resolve()).resume();

try {
  const stack = await startLocalStack({
    dataDir,
    onEvent: (event) => process.stderr.write(`${JSON.stringify(event)}\n`),
  });
  const { kafka, clickhouseUrl, clickhouseTcpPort } = stack;
  process.stdout.write(
    `${JSON.stringify({ ready: true, kafka, clickhouseUrl, clickhouseTcpPort, pids: stack.pids() })}\n`,
  );
  await asked.promise;
  await stack.stop();
  process.exit(0);
} catch (error) {
  if (!(error instanceof LocalStackError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(error.exitCode);
}
