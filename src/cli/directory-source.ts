import { createHash } from 'node:crypto';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DEFAULT_LIMITS, EXTENSIONS } from '../adapters/git/git-limits.ts';
import type { GitSource } from '../adapters/git/git-source.ts';
import { checkLimits, contentOf, refusalOf } from '../adapters/git/judge-files.ts';
import { folderFilter, pathFilter } from '../adapters/git/path-filter.ts';
import { isSpecEntry, type SpecFilter, type TreeEntry } from '../adapters/git/read-tree.ts';
import type { Config } from '../config/config.ts';
import { byBytes, revision, specId } from '../core/model/ids.ts';
import type { SpecFile, SpecFiles } from '../core/model/spec-set.ts';
import { AppError } from '../shared/errors.ts';
import { unreadableFile } from './unreadable-file.ts';

/** What the state of a folder is called where a commit would be named. */
const UNCOMMITTED = revision('uncommitted');

/**
 * A folder in the place of the repository: its files below `git.root`, as they are on disk, by the rules that hold for those of a commit.
 * Throws AppError when they cannot be read, or are too many. Nothing is known of what Git ignores: folders `node_modules` are left out.
 */
export function createDirectorySource(directory: string, { git }: Pick<Config, 'git'>): GitSource {
  const { include, exclude } = git;
  const root = git.root.replace(/^(?:\.?\/)+|^\.$/g, '').replace(/\/+$/, '');
  const filter = { root, extensions: EXTENSIONS, isWanted: pathFilter(include, exclude), mayHoldWanted: folderFilter(include, exclude) };
  return {
    async read() {
      const files = await filesBelow(directory, filter);
      const nowMs = Date.now();
      const value: SpecFiles = {
        ...{ revision: UNCOMMITTED, source: '', files, commits: [], problems: [] },
        ...{ movedAfterMs: nowMs, fetchedAtMs: nowMs },
      };
      return { kind: 'complete', value, index: UNCOMMITTED, readAtMs: nowMs, connectedAtMs: nowMs };
    },
    close: async () => undefined,
  };
}

async function filesBelow(directory: string, filter: SpecFilter): Promise<readonly SpecFile[]> {
  try {
    const entries = (await entriesIn(directory, filter.root)).filter((entry) => isSpecEntry(entry, filter));
    const judged = entries.map((entry) => ({ entry, refusal: refusalOf(entry, DEFAULT_LIMITS, NONE) }));
    const wanted = judged.filter(({ refusal }) => refusal === undefined).map(({ entry }) => entry);
    checkLimits(entries, wanted, DEFAULT_LIMITS);
    const files = judged.map(
      async ({ entry: { path }, refusal }): Promise<SpecFile> =>
        refusal === undefined ? readOne(directory, path) : { id: specId(path), blobId: '', content: refusal },
    );
    return (await Promise.all(files)).sort((a, b) => byBytes(a.id, b.id));
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw unreadableFile(join(directory, filter.root), error);
  }
}

/** A folder holds each name once. */
const NONE: ReadonlySet<string> = new Set();

/** What stands below a folder, its own folders looked through, as Git would list it. */
async function entriesIn(directory: string, folder: string): Promise<readonly TreeEntry[]> {
  const found = await readdir(join(directory, folder), { withFileTypes: true });
  const entries = found.map(async (entry): Promise<readonly TreeEntry[]> => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.name.startsWith('.') || entry.name === 'node_modules') return [];
    if (entry.isSymbolicLink()) return [{ kind: 'symbolic link', blobId: '', size: 0, path }];
    if (entry.isFile()) return [{ kind: 'file', blobId: '', size: (await lstat(join(directory, path))).size, path }];
    if (!entry.isDirectory()) return [];
    // A repository of its own, as Git keeps submodules.
    const isSubmodule = await lstat(join(directory, path, '.git')).then(
      () => true,
      () => false,
    );
    return isSubmodule ? [{ kind: 'submodule', blobId: '', size: 0, path }] : entriesIn(directory, path);
  });
  return (await Promise.all(entries)).flat();
}

async function readOne(directory: string, path: string): Promise<SpecFile> {
  const bytes = await readFile(join(directory, path));
  const blobId = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
  return { id: specId(path), blobId, content: contentOf(bytes, path) };
}
