import type { SpecFile } from '../../core/model/spec-set.ts';
import { AppError } from '../../shared/errors.ts';
import { type ProblemCode, problem } from '../../shared/problem.ts';
import type { GitLimits } from './git-limits.ts';
import { plainText } from './plain-text.ts';
import type { TreeEntry } from './read-tree.ts';

type Refusal = Extract<SpecFile['content'], { readonly kind: 'refused' }>;

const LFS_POINTER = Buffer.from('version https://git-lfs.github.com/spec/');
// By the specification of Git LFS a pointer is shorter.
const MAX_LFS_POINTER = 1024;

function isLfsPointer(bytes: Uint8Array): boolean {
  return bytes.length < MAX_LFS_POINTER && LFS_POINTER.equals(bytes.subarray(0, LFS_POINTER.length));
}

/** What a file holds that was read. */
export function contentOf(bytes: Uint8Array, path: string): SpecFile['content'] {
  if (isLfsPointer(bytes)) return refused('SPEC_LFS_POINTER', path, 'is a pointer of Git LFS; the file itself is not in the repository');
  return { kind: 'bytes', bytes };
}

/** Paths that stand more than once in a tree: git itself writes none, and the two could say different things. */
export function repeatedPaths(entries: readonly TreeEntry[]): ReadonlySet<string> {
  const [seen, repeated] = [new Set<string>(), new Set<string>()];
  for (const { path } of entries) (seen.has(path) ? repeated : seen).add(path);
  return repeated;
}

/** Why a file is not read, if so; `repeated` are the paths that stand more than once. */
export function refusalOf({ kind, size, path }: TreeEntry, limits: GitLimits, repeated: ReadonlySet<string>): Refusal | undefined {
  if (repeated.has(path)) return refused('SPEC_BAD_NAME', path, 'stands more than once in its folder');
  if (plainText(path) !== path) return refused('SPEC_BAD_NAME', path, 'has a name with a control character');
  if (kind !== 'file') return refused('SPEC_NOT_A_FILE', path, `is a ${kind}`);
  if (path.includes('\ufffd')) return refused('SPEC_NOT_UTF8', path, 'has a name that is not UTF-8', 'Rename the file.');
  if (size > limits.maxFileBytes) return refused('SPEC_TOO_LARGE', path, `has ${size} bytes, more than ${limits.maxFileBytes}`);
  return undefined;
}

function refused(code: ProblemCode, path: string, why: string, remedy?: string): Refusal {
  const where = { file: path, line: 1, column: 1, path: '' };
  return { kind: 'refused', problem: problem(code, `${plainText(path)} ${why}`, remedy === undefined ? { where } : { where, remedy }) };
}

/** Throws AppError GIT_READ_FAILED when there is more than the limits allow: all entries are counted, and the bytes of those that are wanted. */
export function checkLimits(entries: readonly TreeEntry[], wanted: readonly TreeEntry[], limits: GitLimits): void {
  if (entries.length > limits.maxFiles) throw tooMuch(`${entries.length} files, more than ${limits.maxFiles}`);
  const total = wanted.reduce((sum, { size }) => sum + size, 0);
  if (total > limits.maxTotalBytes) throw tooMuch(`files of ${total} bytes together, more than ${limits.maxTotalBytes}`);
}

function tooMuch(what: string): AppError {
  const remedy = 'Narrow `git.root` to the folder that holds the specs.';
  return new AppError(problem('GIT_READ_FAILED', `the repository holds ${what}`, { next: 'fix-config', remedy }));
}
