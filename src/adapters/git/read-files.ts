import { createHash } from 'node:crypto';
import { byBytes, specId } from '../../core/model/ids.ts';
import type { SpecFile } from '../../core/model/spec-set.ts';
import { AppError } from '../../shared/errors.ts';
import { type ProblemCode, problem } from '../../shared/problem.ts';
import type { GitLimits, GitSettings } from './git-settings.ts';
import { plainText } from './plain-text.ts';
import type { TreeEntry } from './read-tree.ts';
import type { GitRunner } from './run-git.ts';

// One process takes as many blobs as fit an argument list (41 bytes each, of 128 KiB at the least) and a reasonable buffer.
const MAX_BLOBS_PER_PROCESS = 2000;
const MAX_BYTES_PER_PROCESS = 32 * 1024 * 1024;

type Refusal = Extract<SpecFile['content'], { readonly kind: 'refused' }>;

/** Reads files from the mirror, and keeps the bytes of the last ones: a commit costs as much as it changes. */
export class FileReader {
  readonly #git: GitRunner;
  readonly #limits: GitLimits;
  #cache: ReadonlyMap<string, Uint8Array> = new Map();

  constructor(settings: GitSettings, git: GitRunner) {
    this.#git = git;
    this.#limits = settings.limits;
  }

  /**
   * The files of a tree, in the order of their paths. What cannot be a spec is refused with the reason, unread. Throws AppError
   * GIT_READ_FAILED when there is more than the limits allow, or when the mirror gives other bytes than the tree names.
   */
  async read(entries: readonly TreeEntry[], gitDir: string, signal: AbortSignal): Promise<readonly SpecFile[]> {
    const repeated = repeatedPaths(entries);
    const judged = entries.map((entry) => ({ entry, refusal: refusalOf(entry, this.#limits, repeated) }));
    const wanted = judged.filter(({ refusal }) => refusal === undefined).map(({ entry }) => entry);
    checkLimits(entries, wanted, this.#limits);
    const bytes = await this.#bytesOf(wanted, gitDir, signal);
    const files = judged.map(({ entry, refusal }) => specFile(entry, refusal ?? bytesContent(entry, bytes)));
    return files.sort((a, b) => byBytes(a.id, b.id));
  }

  async #bytesOf(entries: readonly TreeEntry[], gitDir: string, signal: AbortSignal): Promise<ReadonlyMap<string, Uint8Array>> {
    const known = new Map<string, Uint8Array>();
    const missing = new Map<string, number>();
    for (const { blobId, size } of entries) {
      const bytes = this.#cache.get(blobId);
      if (bytes === undefined) missing.set(blobId, size);
      else known.set(blobId, bytes);
    }
    for (const batch of batches([...missing])) {
      const blobIds = batch.map(([blobId]) => blobId);
      const output = await this.#git.blobs(gitDir, blobIds, signal);
      for (const [blobId, bytes] of cut(output, batch)) known.set(blobId, bytes);
    }
    this.#cache = known;
    return known;
  }
}

function specFile({ path, blobId }: TreeEntry, content: SpecFile['content']): SpecFile {
  return { id: specId(path), blobId, content };
}

function bytesContent({ blobId, path }: TreeEntry, known: ReadonlyMap<string, Uint8Array>): SpecFile['content'] {
  const bytes = known.get(blobId);
  if (bytes === undefined) throw wrongBytes(blobId);
  if (isLfsPointer(bytes)) return refused('SPEC_LFS_POINTER', path, 'is a pointer of Git LFS; the file itself is not in the repository');
  return { kind: 'bytes', bytes };
}

type SizedBlob = readonly [blobId: string, size: number];

function batches(blobs: readonly SizedBlob[]): readonly (readonly SizedBlob[])[] {
  const result: SizedBlob[][] = [];
  let current: SizedBlob[] = [];
  let bytes = 0;
  for (const blob of blobs) {
    const isFull = current.length === MAX_BLOBS_PER_PROCESS || bytes + blob[1] > MAX_BYTES_PER_PROCESS;
    if (current.length === 0 || isFull) {
      current = [];
      bytes = 0;
      result.push(current);
    }
    current.push(blob);
    bytes += blob[1];
  }
  return result;
}

/** Cuts the joined contents of blobs by their sizes, and proves each by its id. */
function* cut(output: Buffer, blobs: readonly SizedBlob[]): Generator<readonly [string, Uint8Array]> {
  let start = 0;
  for (const [blobId, size] of blobs) {
    // A copy: a view would keep the whole output alive for one file.
    const bytes = new Uint8Array(output.subarray(start, start + size));
    const algorithm = blobId.length === 64 ? 'sha256' : 'sha1';
    const actual = createHash(algorithm).update(`blob ${size}\0`).update(bytes).digest('hex');
    if (actual !== blobId) throw wrongBytes(blobId);
    yield [blobId, bytes];
    start += size;
  }
}

function wrongBytes(blobId: string): AppError {
  return new AppError(problem('GIT_READ_FAILED', `the Git mirror does not give the bytes of blob ${blobId}`));
}

const LFS_POINTER = Buffer.from('version https://git-lfs.github.com/spec/');
// By the specification of Git LFS a pointer is shorter.
const MAX_LFS_POINTER = 1024;

function isLfsPointer(bytes: Uint8Array): boolean {
  return bytes.length < MAX_LFS_POINTER && LFS_POINTER.equals(bytes.subarray(0, LFS_POINTER.length));
}

/** Paths that stand more than once in a tree: git itself writes none, and the two could say different things. */
function repeatedPaths(entries: readonly TreeEntry[]): ReadonlySet<string> {
  const [seen, repeated] = [new Set<string>(), new Set<string>()];
  for (const { path } of entries) (seen.has(path) ? repeated : seen).add(path);
  return repeated;
}

/** Why a file is not read, if so. */
function refusalOf({ kind, size, path }: TreeEntry, limits: GitLimits, repeated: ReadonlySet<string>): Refusal | undefined {
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

function checkLimits(entries: readonly TreeEntry[], wanted: readonly TreeEntry[], limits: GitLimits): void {
  if (entries.length > limits.maxFiles) throw tooMuch(`${entries.length} files, more than ${limits.maxFiles}`);
  const total = wanted.reduce((sum, { size }) => sum + size, 0);
  if (total > limits.maxTotalBytes) throw tooMuch(`files of ${total} bytes together, more than ${limits.maxTotalBytes}`);
}

function tooMuch(what: string): AppError {
  const remedy = 'Narrow `git.root` to the folder that holds the specs.';
  return new AppError(problem('GIT_READ_FAILED', `the repository holds ${what}`, { next: 'fix-config', remedy }));
}
