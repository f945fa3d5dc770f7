import type { Revision } from '../../core/model/ids.ts';
import { AppError } from '../../shared/errors.ts';
import { problem } from '../../shared/problem.ts';
import type { GitSettings } from './git-settings.ts';
import type { GitRunner } from './run-git.ts';

/** One line of `git ls-tree`. */
export interface TreeEntry {
  readonly kind: 'file' | 'symbolic link' | 'submodule';
  readonly blobId: string;
  /** Bytes; 0 for a submodule. */
  readonly size: number;
  /** From the top of the repository. */
  readonly path: string;
}

/**
 * Lists what may be a spec at a commit: files with an accepted ending under the root, and the symbolic links and submodules
 * that stand in the place of some. Throws AppError GIT_ROOT_MISSING when the commit has no such folder.
 */
export async function readTree(
  git: GitRunner,
  settings: GitSettings,
  at: { gitDir: string; revision: Revision },
  signal: AbortSignal,
): Promise<readonly TreeEntry[]> {
  const { root } = settings;
  const args = ['ls-tree', '-r', '-l', '-z', '--full-tree', at.revision, ...(root === '' ? [] : ['--', root])];
  const output = await git.text({ args, gitDir: at.gitDir, what: `listing the files of commit ${at.revision}` }, signal);
  const entries = parseTree(output);
  // Git knows no empty folders: one that is there lists something below it.
  if (root !== '' && !entries.some(({ path }) => path.startsWith(`${root}/`))) {
    throw new AppError(problem('GIT_ROOT_MISSING', `commit ${at.revision} has no folder ${root}`));
  }
  return entries.filter((entry) => isSpecEntry(entry, settings));
}

/** Reads the output of `git ls-tree -r -l -z`: `<mode> <type> <id> <size padded with spaces>\t<path>\0` each. */
export function parseTree(output: string): readonly TreeEntry[] {
  return output
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => {
      const tab = line.indexOf('\t');
      const [mode = '', , blobId = '', size = ''] = line.slice(0, tab).split(/ +/);
      return { kind: kindOfMode(mode), blobId, size: size === '-' ? 0 : Number(size), path: line.slice(tab + 1) };
    });
}

/** What a mode of Git says of an entry. */
export function kindOfMode(mode: string): TreeEntry['kind'] {
  if (mode === '120000') return 'symbolic link';
  return mode === '160000' ? 'submodule' : 'file';
}

/** Which files are looked for. */
export type SpecFilter = Pick<GitSettings, 'root' | 'extensions' | 'isWanted' | 'mayHoldWanted'>;

/** Whether an entry under the root may be a spec, or stands in the place of some. */
export function isSpecEntry({ kind, path }: TreeEntry, { root, extensions, isWanted, mayHoldWanted }: SpecFilter): boolean {
  const below = root === '' ? path : path.slice(root.length + 1);
  const parts = below.split('/');
  if (parts.some((part) => part.startsWith('.'))) return false;
  const name = parts.at(-1)?.toLowerCase() ?? '';
  if (extensions.some((extension) => name.endsWith(extension))) return isWanted(below);
  // A submodule, or a link without an ending, may stand for a whole folder of specs; a link `notes.md` stands for no spec.
  const isLikeFolder = kind === 'submodule' || (kind === 'symbolic link' && !name.includes('.'));
  return isLikeFolder && mayHoldWanted(below);
}
