/**
 * A disk of its own for ClickHouse, small enough to be filled up: a file with a file system in it, mounted over the data
 * directory. That takes root on Linux; elsewhere the fault is skipped, with the reason.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '@tally/platform/errors';

const DISK_BYTES = 3 * 1024 ** 3;
const BLOCK_BYTES = 4_096;
const BALLAST_FILES_MAX = 100;
const run = promisify(execFile);

export interface SmallDisk {
  /** Takes all that is free; again, what has become free since. */
  fill: () => Promise<void>;
  free: () => void;
  /** Call it when nothing uses the disk any more. */
  unmount: () => Promise<void>;
}

/** Mounts a small disk at `dir`, which must be empty. Returns why not when that is impossible. */
export async function mountSmallDisk(dir: string, image: string): Promise<SmallDisk | { skipped: string }> {
  if (process.platform !== 'linux') return { skipped: 'mounting a file needs Linux' };
  if (process.getuid?.() !== 0) return { skipped: 'mounting needs root' };
  mkdirSync(dir, { recursive: true });
  try {
    writeFileSync(image, '');
    truncateSync(image, DISK_BYTES);
    await run('mkfs.ext4', ['-q', '-m', '0', image]);
    await run('mount', ['-o', 'loop', image, dir]);
  } catch (error) {
    rmSync(image, { force: true });
    return { skipped: messageOf(error).trim() };
  }
  const ballast = join(dir, 'ballast');
  let files = 0;
  return {
    fill: async () => {
      mkdirSync(ballast, { recursive: true });
      let bytes = freeBytes(dir);
      for (let attempt = 0; bytes >= BLOCK_BYTES && attempt < BALLAST_FILES_MAX; attempt++) {
        const taken = await run('fallocate', ['--length', String(bytes), join(ballast, String(files++))]).then(
          () => true,
          () => false,
        );
        // What one call could not take, a smaller one can.
        bytes = taken ? freeBytes(dir) : Math.floor(bytes / 2);
      }
    },
    free: () => rmSync(ballast, { recursive: true, force: true }),
    unmount: async () => {
      await run('umount', [dir]);
      rmSync(image, { force: true });
    },
  };
}

function freeBytes(dir: string): number {
  const { bavail, bsize } = statfsSync(dir);
  return bavail * bsize;
}
