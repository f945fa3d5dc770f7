import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DEFAULT_LIMITS } from '../adapters/git/git-limits.ts';
import { contentOf, refusalOf } from '../adapters/git/judge-files.ts';
import { byBytes, revision, specId } from '../core/model/ids.ts';
import type { SpecFile, SpecFiles } from '../core/model/spec-set.ts';
import { readNamed } from './read-input.ts';
import { unreadableFile } from './unreadable-file.ts';

/** The endings that the Git leg accepts. */
export const SPEC_FILE = /\.(json|ya?ml)$/i;

/**
 * The files that are named, and those with an accepted ending below the folders that are named, hidden ones left out; what the daemon
 * would not read is refused. Throws AppError when one cannot be read.
 */
export async function specFilesAt(paths: readonly string[], signal: AbortSignal): Promise<SpecFiles> {
  const { files, unreadable } = await findSpecFiles(paths, signal);
  const [first] = unreadable;
  if (first !== undefined) throw unreadableFile(first.path, first.cause);
  return specFilesOf(files);
}

/** Spec files, and what was named, or stands in a folder that was, and cannot be read. */
interface FoundSpecFiles {
  readonly files: readonly SpecFile[];
  readonly unreadable: readonly UnreadableFile[];
}

/** A file or folder that cannot be read, and why. */
interface UnreadableFile {
  readonly path: string;
  readonly cause: unknown;
}

/** The same files as `specFilesAt` finds, for whom one that cannot be read is no reason to pass over the others. */
export async function findSpecFiles(paths: readonly string[], signal: AbortSignal): Promise<FoundSpecFiles> {
  const listed = await eachOf(paths, namesAt);
  const names = new Set(listed.results.flat());
  const read = await eachOf([...names].sort(byBytes), (name) => readSpecFile(name, signal));
  signal.throwIfAborted();
  return { files: read.results, unreadable: [...listed.unreadable, ...read.unreadable] };
}

async function eachOf<T>(paths: readonly string[], work: (path: string) => Promise<T>) {
  const unreadable: UnreadableFile[] = [];
  const tried = await Promise.allSettled(paths.map(work));
  const results = tried.flatMap((one, index) => {
    if (one.status === 'fulfilled') return [one.value];
    unreadable.push({ path: paths[index] ?? '', cause: one.reason });
    return [];
  });
  return { results, unreadable };
}

/** Files as if a repository held these and no others. */
export const specFilesOf = (files: readonly SpecFile[]): SpecFiles => ({
  revision: revision(''),
  source: '',
  files,
  commits: [],
  problems: [],
  movedAfterMs: 0,
  fetchedAtMs: 0,
});

/** True for a folder; false for anything else, also for what is not there. */
export const isFolder = async (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

async function namesAt(path: string): Promise<readonly string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const entries = await readdir(path, { recursive: true });
  const isSpec = (entry: string): boolean => SPEC_FILE.test(entry) && !entry.split(/[\\/]/).some((part) => part.startsWith('.'));
  const names = entries.filter(isSpec).map((entry) => join(path, entry));
  // A green check of nothing would hide a path that is wrong.
  if (names.length === 0) throw new Error('it holds no file ending in .json, .yaml or .yml that is not hidden');
  return names;
}

async function readSpecFile(path: string, signal: AbortSignal): Promise<SpecFile> {
  const bytes = await readNamed(path, signal);
  const refusal = refusalOf({ kind: 'file', blobId: '', size: bytes.length, path }, DEFAULT_LIMITS, new Set());
  return { id: specId(path), blobId: createHash('sha1').update(bytes).digest('hex'), content: refusal ?? contentOf(bytes, path) };
}
