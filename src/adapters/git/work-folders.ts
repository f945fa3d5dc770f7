import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** A process, as its folders are marked. */
export interface FolderOwner {
  readonly host: string;
  readonly pid: number;
  /** Milliseconds since the epoch: in a container every process has the same id. */
  readonly startedMs: number;
}

/** A process of another host may live, and so may one that has got the id of a dead one: their folders go when they are that old. */
const DEAD_AFTER_MS = 24 * 60 * 60 * 1000;

/** Makes a folder in `parent` for what this process does now; returns its path. Whoever makes it removes it. */
export const makeWorkFolder = (parent: string, prefix: string): Promise<string> =>
  mkdtemp(join(parent, `${prefix}${ownerOf(thisProcess())}-`));

/** Removes the folders with this prefix in `parent` whose process has ended: several processes may share `parent`. */
export async function removeDeadFolders(parent: string, prefix: string): Promise<void> {
  const names = (await readdir(parent).catch(() => [])).filter((name) => name.startsWith(prefix));
  for (const name of names) {
    const path = join(parent, name);
    if (await isDead(path, name.slice(prefix.length))) await rm(path, { recursive: true, force: true });
  }
}

/** The mark of a process in the names of its folders; short, since gpg puts sockets below, whose paths may have 107 bytes. */
export const ownerOf = ({ host, pid, startedMs }: FolderOwner): string =>
  `${createHash('sha256').update(host).digest('hex').slice(0, 4)}${pid.toString(36)}.${Math.floor(startedMs / 1000).toString(36)}`;

const thisProcess = (): FolderOwner => ({ host: hostname(), pid: process.pid, startedMs: performance.timeOrigin });

async function isDead(path: string, mark: string): Promise<boolean> {
  const found = /^(?<host>[0-9a-f]{4})(?<pid>[0-9a-z]+)\.[0-9a-z]+-/.exec(mark)?.groups;
  // Nobody of ours has made it.
  if (found === undefined) return false;
  const own = ownerOf(thisProcess());
  if (mark.startsWith(`${own}-`)) return false;
  const pid = Number.parseInt(found['pid'] ?? '', 36);
  const isHere = own.startsWith(found['host'] ?? '');
  if (isHere && (pid === process.pid || !isRunning(pid))) return true;
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
  return Date.now() - mtimeMs > DEAD_AFTER_MS;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // It is there, and another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
