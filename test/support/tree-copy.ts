/**
 * A copy of this checkout's sources, to be changed and run: others' packages are this checkout's, Tally's own the copies.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const WORKSPACES = '@tally';

/** A piece of text that stands in a file once, and what is to stand there. */
export type TextChange = readonly [from: string, to: string];

export interface TreeCopy {
  dir: string;
  /** Throws when the file does not have one of the texts, or has it more than once. */
  change: (file: string, changes: readonly TextChange[]) => void;
  remove: () => void;
}

/** @param entries files and folders of the checkout's root */
export function copyTree(name: string, entries: readonly string[]): TreeCopy {
  const dir = mkdtempSync(join(tmpdir(), `tally-${name}-`));
  for (const entry of entries) cpSync(join(ROOT, entry), join(dir, entry), { recursive: true, filter: isSource });
  const packages = join(ROOT, 'node_modules');
  mkdirSync(join(dir, 'node_modules', WORKSPACES), { recursive: true });
  for (const one of readdirSync(packages)) {
    if (one !== WORKSPACES) symlinkSync(join(packages, one), join(dir, 'node_modules', one));
  }
  const nested = ['services', 'infra'].flatMap((parent) =>
    readdirSync(join(dir, parent)).map((one) => join(parent, one)),
  );
  for (const workspace of ['schemas', 'test', ...nested]) linkWorkspace(dir, workspace);
  return {
    dir,
    change: (file, changes) => changeText(join(dir, file), changes),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

function isSource(path: string): boolean {
  return !/(^|\/)(node_modules|dist)$/.test(path);
}

function linkWorkspace(dir: string, workspace: string): void {
  const manifest = join(dir, workspace, 'package.json');
  if (!existsSync(manifest)) return;
  const { name } = JSON.parse(readFileSync(manifest, 'utf8')) as { name: string };
  symlinkSync(join(dir, workspace), join(dir, 'node_modules', name));
  // Packages that only this workspace has, in a version of its own.
  const own = join(ROOT, workspace, 'node_modules');
  if (existsSync(own)) symlinkSync(own, join(dir, workspace, 'node_modules'));
}

function changeText(file: string, changes: readonly TextChange[]): void {
  let text = readFileSync(file, 'utf8');
  for (const [from, to] of changes) {
    if (text.split(from).length !== 2) throw new Error(`${file} does not have this once: ${from}`);
    text = text.replace(from, () => to);
  }
  writeFileSync(file, text);
}
