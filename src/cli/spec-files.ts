import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DEFAULT_LIMITS } from '../adapters/git/git-limits.ts';
import { contentOf, refusalOf } from '../adapters/git/judge-files.ts';
import { byBytes, revision, specId } from '../core/model/ids.ts';
import type { SpecFile, SpecFiles } from '../core/model/spec-set.ts';
import { unreadableSpec } from './unreadable-spec.ts';

/** The endings that the Git leg accepts. */
export const SPEC_FILE = /\.(json|ya?ml)$/i;

/**
 * The files that are named, and those with an accepted ending below the folders that are named, hidden ones left out; what the daemon
 * would not read is refused. Throws AppError when one cannot be read.
 */
export async function specFilesAt(paths: readonly string[]): Promise<SpecFiles> {
  const names = new Set<string>();
  for (const path of paths) for (const name of await namesAt(path)) names.add(name);
  return specFilesOf(await Promise.all([...names].sort(byBytes).map(readSpecFile)));
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
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const entries = await readdir(path, { recursive: true });
    const isSpec = (entry: string): boolean => SPEC_FILE.test(entry) && !entry.split(/[\\/]/).some((part) => part.startsWith('.'));
    return entries.filter(isSpec).map((entry) => join(path, entry));
  } catch (error) {
    throw unreadableSpec(path, error);
  }
}

async function readSpecFile(path: string): Promise<SpecFile> {
  try {
    const bytes = await readFile(path);
    const refusal = refusalOf({ kind: 'file', blobId: '', size: bytes.length, path }, DEFAULT_LIMITS, new Set());
    return { id: specId(path), blobId: createHash('sha1').update(bytes).digest('hex'), content: refusal ?? contentOf(bytes, path) };
  } catch (error) {
    throw unreadableSpec(path, error);
  }
}
