/**
 * Commands of other programs, docker above all.
 */
import { spawn } from 'node:child_process';

/** Of a failed command's output, what is told. */
const OUTPUT_CHARACTERS_MAX = 4_000;

export interface RunOptions {
  cwd?: string;
  env?: Readonly<Record<string, string | undefined>>;
  /** Written to its standard input. */
  input?: string;
}

export interface Finished {
  code: number;
  stdout: string;
  /** Both outputs, as they came. */
  output: string;
}

/** Runs a command to its end, whatever its exit code. Throws only if it cannot be started. */
export async function finished(command: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const { cwd, env = process.env, input = '' } = options;
  const child = spawn(command, args, { env, ...(cwd === undefined ? {} : { cwd }) });
  let stdout = '';
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stdin.end(input);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.once('close', (code) => resolve(code ?? 1));
  child.once('error', reject);
  return { code: await promise, stdout, output };
}

/** Its standard output. Throws with the end of what it printed when it fails. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, output } = await finished(command, args, options);
  if (code === 0) return stdout;
  const words = [command, ...args].join(' ');
  throw new Error(`${words} ended with ${code}:\n${output.slice(-OUTPUT_CHARACTERS_MAX)}`);
}

/** Its standard output without spaces around it; undefined when it fails. */
export async function commandOutput(command: string, args: readonly string[]): Promise<string | undefined> {
  const { code, stdout } = await finished(command, args);
  return code === 0 ? stdout.trim() : undefined;
}
