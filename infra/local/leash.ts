// Runs a command that does not watch its parent itself: `leash.ts <command> <arguments>`, with a pipe as standard
// input. When the pipe ends, the whole process group is killed; so this must be started `detached`.

import { spawn } from 'node:child_process';

const [command, ...args] = process.argv.slice(2);
if (command === undefined) throw new Error('usage: leash.ts <command> <arguments>');

const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
child.once('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(127);
});
child.once('exit', (code) => process.exit(code ?? 1));
process.stdin.once('end', () => process.kill(-process.pid, 'SIGKILL')).resume();
