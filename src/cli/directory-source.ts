import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { GitSource } from '../adapters/git/git-source.ts';
import { pathFilter } from '../adapters/git/path-filter.ts';
import type { Config } from '../config/config.ts';
import { byBytes, revision, specId } from '../core/model/ids.ts';
import type { SpecFile, SpecFiles } from '../core/model/spec-set.ts';
import { AppError, errorText } from '../shared/errors.ts';
import { problem } from '../shared/problem.ts';
import { SPEC_FILE } from './spec-files.ts';

/** What the state of a folder is called where a commit would be named. */
const UNCOMMITTED = revision('uncommitted');

/**
 * A folder in the place of the repository: its files below `git.root`, as they are on disk. Throws AppError when they cannot be read. Hidden
 * files are left out, and what is no plain file, as Git holds it, is told.
 */
export function createDirectorySource(directory: string, { git }: Pick<Config, 'git'>): GitSource {
  const isWanted = pathFilter(git.include, git.exclude);
  const root = git.root.replace(/^(?:\.?\/)+|^\.$/g, '').replace(/\/+$/, '');
  return {
    async read() {
      const files = await filesBelow({ directory, root, isWanted });
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

interface Place {
  readonly directory: string;
  readonly root: string;
  readonly isWanted: (path: string) => boolean;
}

async function filesBelow({ directory, root, isWanted }: Place): Promise<readonly SpecFile[]> {
  const top = join(directory, root);
  try {
    const entries = await readdir(top, { recursive: true, withFileTypes: true });
    const found = entries.flatMap((entry) => {
      const below = relative(top, join(entry.parentPath, entry.name)).split(sep).join('/');
      const isHidden = below.split('/').some((part) => part.startsWith('.') || part === 'node_modules');
      if (entry.isDirectory() || isHidden || !SPEC_FILE.test(below) || !isWanted(below)) return [];
      return [{ below, isFile: entry.isFile() }];
    });
    const files = found.map(({ below, isFile }) => readOne(join(top, below), root === '' ? below : `${root}/${below}`, isFile));
    return (await Promise.all(files)).sort((a, b) => byBytes(a.id, b.id));
  } catch (error) {
    throw new AppError(problem('CONFIG_UNREADABLE', `the specs below ${top} cannot be read: ${errorText(error)}`), { cause: error });
  }
}

async function readOne(path: string, name: string, isFile: boolean): Promise<SpecFile> {
  const id = specId(name);
  if (!isFile) {
    const refused = problem('SPEC_NOT_A_FILE', `${name} is no plain file`, { where: { file: name, line: 1, column: 1, path: '' } });
    return { id, blobId: '', content: { kind: 'refused', problem: refused } };
  }
  const bytes = await readFile(path);
  const header = `blob ${bytes.length}\0`;
  return { id, blobId: createHash('sha1').update(header).update(bytes).digest('hex'), content: { kind: 'bytes', bytes } };
}
