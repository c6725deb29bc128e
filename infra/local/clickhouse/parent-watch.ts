// With its parent gone, ClickHouse ends by itself, but waits 5 s for clients that keep connections open. That is more
// than anyone should have to wait; acknowledged inserts are on disk, so it may be killed.

import { parentPort } from 'node:worker_threads';

const LOOK_EVERY_MS = 250;
const KILL_AFTER_MS = 2_500;

const parentPid = process.ppid;
const looking = setInterval(() => {
  if (process.ppid === parentPid) return;
  clearInterval(looking);
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), KILL_AFTER_MS);
}, LOOK_EVERY_MS);
parentPort?.postMessage('watching');
